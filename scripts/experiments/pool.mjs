/**
 * Does tasks, at most `jobs` at a time, each when those that it needs are done, the first in the list first. After a failure
 * nothing more is begun.
 *
 * @param tasks `{ name, needs, work }[]`
 * @throws the first failure, when all that had begun has ended
 */
export async function doAll(tasks, jobs) {
  const waiting = [...tasks];
  const done = new Set();
  const running = new Set();
  const failures = [];
  const begin = (task) => {
    waiting.splice(waiting.indexOf(task), 1);
    const run = (async () => {
      try {
        await task.work();
        done.add(task.name);
      } catch (e) {
        failures.push(e);
      }
      running.delete(run);
    })();
    running.add(run);
  };
  for (;;) {
    while (failures.length === 0 && running.size < jobs) {
      const ready = waiting.find(({ needs }) => needs.every((name) => done.has(name)));
      if (ready === undefined) break;
      begin(ready);
    }
    if (running.size === 0) break;
    await Promise.race(running);
  }
  if (failures.length > 0) throw failures[0];
  if (waiting.length > 0) throw new Error(`these tasks wait for each other: ${waiting.map((t) => t.name).join(", ")}`);
}
