import type { OptionSet, OptionShape } from "./option-set.js";
import { EFFECTS, type OptionSpec } from "./option-spec.js";
import { expectation, formatOptionValue } from "./option-value.js";

/** Any command's options. */
export type AnyOptionSet = Pick<
  OptionSet<OptionShape>,
  "command" | "summary" | "groups" | "specs" | "find" | "nearest"
>;

/** The page of all options, as `docs/options.md` has it. */
export function optionsMarkdown(sets: readonly AnyOptionSet[]): string {
  const effects = Object.entries(EFFECTS).map(([name, meaning]) => `- \`${name}\`: ${meaning}`);
  return `${[
    "# Options",
    "<!-- Written from the schema by packages/schema/scripts/write-docs.mjs; edit the schema. -->",
    "Every option may be written with underscores or hyphens: `--train_batch_size=2`, `--train-batch-size 2`. A switch needs no value; " +
      "`--no-random_flip` and `--random_flip=false` turn it off. An option of kind *list* may be repeated.",
    "`--config run.yaml` reads options from a YAML file, by the same names without the hyphens in front; what stands on the command line wins. " +
      "The library takes an object with the names as they stand here.",
    `The effect of an option says what may change with it:\n\n${effects.join("\n")}`,
    ...sets.map(commandSection),
  ].join("\n\n")}\n`;
}

function commandSection(set: AnyOptionSet): string {
  const groups = set.groups.map((group) => {
    const rows = set.specs.filter((spec) => spec.group === group.id).map(row);
    return [
      `### ${group.title}`,
      ["| option | value | default | effect | |", "|---|---|---|---|---|", ...rows].join("\n"),
    ].join("\n\n");
  });
  return [`## stillframe ${set.command}`, `${set.summary}.`, ...groups].join("\n\n");
}

function row(spec: OptionSpec): string {
  const named = [spec.name, ...(spec.aliases ?? [])].map((name) => `--${name}`);
  if (spec.positional === true) named.push(spec.metavar ?? spec.name.toUpperCase());
  const names = named.map((name) => `\`${name}\``).join(", ");
  const cells = [names, valueText(spec), defaultText(spec), `\`${spec.effect}\``, helpText(spec)];
  return `| ${cells.map(escaped).join(" | ")} |`;
}

function valueText(spec: OptionSpec): string {
  if (spec.kind === "boolean") return "switch";
  if (spec.kind === "text" && spec.expects === undefined) return "text";
  if (spec.kind === "list")
    return spec.separator === undefined ? "list" : `list, or one with \`${spec.separator}\` between`;
  return expectation(spec);
}

/** The default in words; for a required option, that it is. */
function defaultText(spec: OptionSpec): string {
  if (spec.required) return "**required**";
  if (spec.default === null) return spec.unset ?? "none";
  if (spec.kind === "boolean") return spec.default === true ? "on" : "off";
  return `\`${formatOptionValue(spec.default)}\``;
}

function helpText(spec: OptionSpec): string {
  if (spec.instead === undefined || typeof spec.instead === "string") return spec.help;
  const notes = Object.entries(spec.instead).map(([value, line]) => `\`${value}\`: ${line}.`);
  return [spec.help, ...notes].join(" ");
}

function escaped(cell: string): string {
  return cell.replaceAll("|", "\\|");
}
