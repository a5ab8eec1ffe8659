import type { GenerateOptions } from "@stillframe/schema";

/** One of the ways in which a drawing is made, all from the same noise. */
export interface Column {
  /** Below its pictures: `base`, `LoRA × 0.5`. */
  readonly label: string;
  /** What file names end with. */
  readonly file: string;
  readonly side: "base" | "lora";
  /** Strength of the LoRA; 0 for the base. */
  readonly scale: number;
  /** Whether the prefix is left out. */
  readonly bare: boolean;
}

/**
 * What stands side by side: with `compare` the base first; then the LoRA at each strength; with `compare` and a prefix
 * last the LoRA without the prefix, which tells whether the style comes only when it is called.
 */
export function columnsOf(
  options: Pick<GenerateOptions, "compare" | "lora" | "lora_scale" | "lora_scales" | "prefix">,
): Column[] {
  const { compare, lora, lora_scale, lora_scales, prefix } = options;
  const base: Column = { label: "base", file: "base", side: "base", scale: 0, bare: false };
  if (lora === null) return [base];
  const scales = lora_scales === null ? [lora_scale] : lora_scales.split(",").map(Number);
  const adapted = scales.map((scale): Column => {
    const alone = lora_scales === null && scale === 1;
    const [label, file] = alone ? ["LoRA", "lora"] : [`LoRA × ${scale}`, `lora-${scale}`];
    return { label, file, side: "lora", scale, bare: false };
  });
  const bare: Column = {
    label: "LoRA without the prefix",
    file: "lora-no-prefix",
    side: "lora",
    scale: lora_scale,
    bare: true,
  };
  return [...(compare ? [base] : []), ...adapted, ...(compare && prefix !== null ? [bare] : [])];
}
