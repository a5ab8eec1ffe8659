import { z } from "zod";

/** The few shapes that most option fields have; `option(field.flag, …)` makes each its own. */
export const field = {
  /** On when given. */
  flag: z.boolean().default(false),
  /** Text that is not empty, required. */
  text: z.string().min(1),
  /** Text that is not empty, or nothing. */
  optionalText: z.string().min(1).nullable().default(null),
  /** A count of at least one. */
  count: z.int().min(1),
  /** A count of at least one, or nothing. */
  optionalCount: z.int().min(1).nullable().default(null),
  /** A share of a whole, both ends included. */
  share: z.number().min(0).max(1),
  /** Where to compute. */
  device: z
    .string()
    .regex(/^(auto|cpu|mps|cuda(:\d+)?)$/)
    .default("auto"),
} as const;
