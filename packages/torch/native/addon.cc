// One translation unit: libtorch's headers cost ten seconds each time they are read.
#include "crash.cc"
#include "handles.cc"
#include "convert.cc"
#include "dispatch.cc"
#include "autograd.cc"
#include "storage.cc"
#include "runtime.cc"
#include "widened.cc"
