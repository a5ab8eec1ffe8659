import { show } from "@stillframe/torch/errors";

/** A box in a picture, and what each place in it counts in the loss. */
export interface Region {
  /** Left, top, width, height in pixels of the upright picture, as COCO's boxes are. */
  readonly box: readonly [x: number, y: number, width: number, height: number];
  /** Beside 1 for all else; null for what the run says. */
  readonly weight: number | null;
}

const FORM = 'boxes as {"bbox": [[x, y, width, height], …], "weight": […]}';

const isNumber = (value: unknown): value is number | bigint =>
  typeof value === "bigint" || (typeof value === "number" && Number.isFinite(value));

function regionOf(box: unknown, weight: unknown): Region | null {
  if (!Array.isArray(box) || box.length !== 4 || !box.every(isNumber)) return null;
  const [x, y, width, height] = box.map(Number) as [number, number, number, number];
  if (!(width > 0 && height > 0)) return null;
  if (weight === null || weight === undefined) return { box: [x, y, width, height], weight: null };
  return isNumber(weight) && Number(weight) > 0 ? { box: [x, y, width, height], weight: Number(weight) } : null;
}

/** Two lists side by side, or a list of pairs: data sets have either. */
function pairsOf(value: unknown): readonly (readonly [box: unknown, weight: unknown])[] | null {
  if (Array.isArray(value)) {
    const each = value as readonly ({ bbox?: unknown; weight?: unknown } | null)[];
    return each.every((one) => typeof one === "object") ? each.map((one) => [one?.bbox, one?.weight]) : null;
  }
  const { bbox, weight = null } = value as { bbox?: unknown; weight?: unknown };
  if (!Array.isArray(bbox)) return null;
  if (weight !== null && !(Array.isArray(weight) && weight.length === bbox.length)) return null;
  return bbox.map((box, i) => [box, (weight as readonly unknown[] | null)?.[i]]);
}

/**
 * The regions in a column's value, or the reason why they cannot be read. The value is laid out as the `objects` of Hugging
 * Face's data sets for object detection, `{bbox: [[x, y, width, height], …]}`, with an optional `weight` for each box, or as
 * a list of `{bbox, weight}`; in a text (a cell of CSV) it is JSON. Nothing (null, or an empty text) is no region.
 */
export function regionsOf(value: unknown, column: string): readonly Region[] | { readonly reason: string } {
  if (value === null || value === undefined || value === "") return [];
  const wrong = { reason: `expected ${FORM} in column ${column} but found ${show(value)}` };
  let parsed = value;
  try {
    if (typeof value === "string") parsed = JSON.parse(value);
  } catch {
    return wrong;
  }
  if (typeof parsed !== "object" || parsed === null) return wrong;
  const regions = pairsOf(parsed)?.map(([box, weight]) => regionOf(box, weight));
  return regions?.every((region) => region !== null) ? regions : wrong;
}
