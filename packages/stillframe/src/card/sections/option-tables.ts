import { formatOptionValue, type OptionSpec, type OptionValue, trainOptions } from "@stillframe/schema";
import { scrubText } from "../../publish/scrub.js";
import { lastPart } from "../base-model.js";
import { code, plain, table } from "../markdown.js";
import type { RunRecord } from "../run-record.js";
import { paragraphs } from "./section.js";

type Options = RunRecord["manifest"]["options"];

/** All options of a run in the order of the schema, with the default of those that have another value. */
export function optionTables(options: Options): string {
  const groups = trainOptions.groups.flatMap(({ id, title }) => {
    const specs = trainOptions.specs.filter((spec) => spec.group === id && Object.hasOwn(options, spec.name));
    if (specs.length === 0) return [];
    const rows = specs.map((spec) => optionRow(spec, options[spec.name]));
    return [`**${title}**`, table(["option", "value", "default, where another"], rows)];
  });
  const others = Object.keys(options).filter((name) => trainOptions.find(name)?.name !== name);
  const rows = others.map((name) => [code(name), shown(options[name])]);
  const unknown = others.length === 0 ? [] : ["**Options of another version**", table(["option", "value"], rows)];
  return paragraphs(...groups, ...unknown);
}

function optionRow(spec: OptionSpec, value: unknown): string[] {
  const isUsual = JSON.stringify(value) === JSON.stringify(spec.default);
  const usual = isUsual ? "" : spec.required ? "(required)" : optionText(spec, spec.default);
  return [code(spec.name), optionText(spec, value), usual];
}

function optionText(spec: OptionSpec, value: unknown): string {
  if (value === null || value === undefined) return plain((spec.unset ?? "none").replace(/;.*$/, ""));
  const isPath = typeof value === "string" && (spec.metavar === "DIR" || spec.metavar === "PATH");
  return shown(isPath ? lastPart(value) : value);
}

/** A value without the folders of the machine that it was used on. */
function shown(value: unknown): string {
  if (value === null) return "none";
  if (typeof value === "boolean") return value ? "on" : "off";
  if (value === "") return "empty";
  const text = typeof value === "object" ? JSON.stringify(value) : formatOptionValue(value as OptionValue);
  return code(scrubText(text));
}
