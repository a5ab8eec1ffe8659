// Two sides, measured in turns: what else the machine does in that time meets both.

export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** Seconds that a function takes. */
export function secondsOf(body) {
  const start = process.hrtime.bigint();
  body();
  return Number(process.hrtime.bigint() - start) / 1e9;
}

/**
 * Medians of `rounds` turns after `warmUps` that do not count.
 *
 * @param {() => number | Promise<number>} ours seconds of one round
 * @param {() => number | Promise<number>} theirs
 */
export async function inTurns(ours, theirs, { rounds, warmUps = 2 }) {
  const times = { ours: [], theirs: [], ratios: [] };
  for (let i = -warmUps; i < rounds; i++) {
    const [a, b] = [await ours(), await theirs()];
    if (i < 0) continue;
    times.ours.push(a);
    times.theirs.push(b);
    times.ratios.push(a / b);
  }
  return { ours: median(times.ours), theirs: median(times.theirs), ratio: median(times.ratios) };
}

/** Columns of text, the first to the left and the others to the right. */
export function table(rows) {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((r) => r[i].length)));
  return rows
    .map((r) => r.map((c, i) => (i === 0 ? c.padEnd(widths[i]) : c.padStart(widths[i]))).join("  "))
    .join("\n");
}

/** A line on both sides' libtorch and threads; different ones make the ratios say less. */
export function sides(ours, theirs) {
  const version = (text) => /^\d+\.\d+/.exec(text)?.[0];
  const note =
    version(ours.libtorch) === version(theirs.torch) ? "" : "\nMind: these are different versions of libtorch.";
  return `Stillframe on libtorch ${ours.libtorch}, ${ours.threads} threads; Python's torch ${theirs.torch}, ${theirs.threads} threads${note}`;
}
