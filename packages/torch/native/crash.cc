// A crash in native code leaves no JavaScript stack. This writes which operators were running to standard error first.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <mutex>

#include "engine.h"

namespace {

// One place for each JavaScript environment; those after the 64th share the last one. Never freed: a signal may come
// at any time.
constexpr int kPlaces = 64;
std::atomic<const char*> places[kPlaces];
std::atomic<bool> claimed[kPlaces];

constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
struct sigaction before[std::size(kSignals)];

// A line that is written at once: the threads of one operator may crash in the same moment.
struct Line {
  char text[1024];
  size_t length = 0;

  void add(const char* more) {
    const size_t n = std::min(std::strlen(more), sizeof(text) - length);
    std::memcpy(text + length, more, n);
    length += n;
  }
  void say() const {
    ssize_t ignored = write(STDERR_FILENO, text, length);
    (void)ignored;
  }
};

// Only what is safe in a signal handler: loads, write, sigaction. Then what was there before has its turn: V8 catches
// the faults of WebAssembly in this way.
void onCrash(int signal, siginfo_t* info, void* context) {
  Line line;
  for (auto& place : places) {
    const char* name = place.load(std::memory_order_relaxed);
    if (name == nullptr) continue;
    line.add(line.length == 0 ? "\nstillframe: native code crashed in " : ", ");
    line.add(name);
  }
  if (line.length > 0) {
    line.add("\n");
    line.say();
  }
  for (size_t i = 0; i < std::size(kSignals); i++) {
    if (kSignals[i] != signal) continue;
    const struct sigaction& old = before[i];
    if ((old.sa_flags & SA_SIGINFO) != 0 && old.sa_sigaction != nullptr) old.sa_sigaction(signal, info, context);
    else {
      sigaction(signal, &old, nullptr);  // the instruction runs again and meets the old action
      if (info->si_code <= 0) raise(signal);  // sent by a process: there is no instruction to run again
    }
  }
}

}  // namespace

void nameCrashes() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action {};
    action.sa_sigaction = onCrash;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < std::size(kSignals); i++) sigaction(kSignals[i], &action, &before[i]);
  });
}

std::atomic<const char*>* claimRunning() {
  for (int i = 0; i < kPlaces - 1; i++)
    if (!claimed[i].exchange(true)) return &places[i];
  return &places[kPlaces - 1];
}

void releaseRunning(std::atomic<const char*>* place) {
  place->store(nullptr);
  if (place != &places[kPlaces - 1]) claimed[place - places].store(false);
}
