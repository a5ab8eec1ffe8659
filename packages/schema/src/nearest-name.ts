/**
 * The name in `names` that `name` was most likely meant to be, or `undefined` when none is near: at most a third of its
 * letters differ (and at least one may; ties go to the first), or it is a part of one name only.
 */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of names) {
    const distance = editDistance(name, candidate);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  if (best !== undefined || name.length < 3) return best;
  const containing = names.filter((candidate) => candidate.includes(name));
  return containing.length === 1 ? containing[0] : undefined;
}

/**
 * Levenshtein's distance with exchanged neighbours as one edit: the least number of insertions, deletions, replacements
 * and exchanges that turn `a` into `b` (each place edited once).
 */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const exchanged = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? beforeLast[j - 2]! + 1 : replaced;
      row.push(Math.min(last[j]! + 1, row[j - 1]! + 1, replaced, exchanged));
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
