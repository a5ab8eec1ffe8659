import { doctorOptions } from "@stillframe/schema";
import { command, EXIT } from "../command.js";
import type { Diagnosis } from "../library.js";
import { type Style, styleFor } from "../style.js";
import { paragraph } from "../wrap.js";

/** `stillframe doctor`. */
export const doctorCommand = command({
  options: doctorOptions,
  examples: ["stillframe doctor", "stillframe doctor --json"],
  async run({ json }, { terminal, library }) {
    const diagnose = await library.diagnose();
    const diagnosis = await diagnose();
    const columns = Math.min(terminal.columns(), 120);
    const text = json ? JSON.stringify(diagnosis, null, 2) : report(diagnosis, columns, styleFor(terminal.color));
    terminal.out.write(`${text}\n`);
    return diagnosis.problems.some((problem) => problem.fatal) ? EXIT.failed : EXIT.done;
  },
});

function report({ facts, problems }: Diagnosis, columns: number, style: Style): string {
  const width = Math.max(0, ...facts.map((fact) => fact.name.length));
  const table = facts.map((fact) => `${style.bold(fact.name.padEnd(width))}  ${fact.value}`);
  const advice = problems.map(({ problem, remedy, fatal }) => {
    const mark = fatal ? style.red("problem:") : style.yellow("advice:");
    return `${mark} ${problem}\n${paragraph(remedy, columns, 2)}`;
  });
  return [...table, "", ...(advice.length === 0 ? [style.green("No problems found.")] : advice)].join("\n");
}
