import type { z } from "zod";
import { field } from "./field.js";
import { option } from "./option.js";
import { OptionSet } from "./option-set.js";

const shape = {
  json: option(field.flag, {
    group: "output",
    effect: "files",
    help: "Print one JSON object instead of a table.",
  }),
};

/** Every option of `stillframe doctor`. */
export type DoctorOptions = z.output<z.ZodObject<typeof shape>>;

/** The options of `stillframe doctor`. */
export const doctorOptions = new OptionSet({
  command: "doctor",
  summary: "Look at this machine: engine, devices, memory, and what to do about problems",
  groups: [{ id: "output", title: "Output" }],
  shape,
});
