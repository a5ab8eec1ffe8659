import { parseArgs } from "node:util";
import { families } from "./families/index.js";
import { formatReport } from "./parity-report.js";
import { runParity } from "./run-parity.js";

const USAGE = `usage: npm run parity -- --vectors DIR [--partial] [--only FAMILY]... [--verbose]

  --vectors DIR   folder of reference vectors
  --partial       a missing file is no failure
  --only FAMILY   check one family alone (${families.map((f) => f.name).join(", ")}); may be given more than once
  --verbose       a line for every quantity`;

/** The command behind `npm run parity`: prints the table, and returns the exit status. */
export async function parityCommand(argv: readonly string[], print: (text: string) => void): Promise<number> {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        vectors: { type: "string" },
        partial: { type: "boolean", default: false },
        only: { type: "string", multiple: true },
        verbose: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) {
      print(USAGE);
      return 0;
    }
    const unknown = values.only?.find((name) => !families.some((f) => f.name === name));
    if (unknown !== undefined)
      throw new Error(`expected one of ${families.map((f) => f.name).join(", ")} for --only but received ${unknown}`);
    if (values.vectors === undefined) throw new Error("expected a folder for --vectors but received nothing");
    const report = await runParity(values.vectors, { partial: values.partial, only: values.only });
    print(formatReport(report, { verbose: values.verbose }));
    return report.passed ? 0 : 1;
  } catch (error) {
    print(`${(error as Error).message}\n\n${USAGE}`);
    return 1;
  }
}
