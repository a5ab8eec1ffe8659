import type { HairShape } from "../attributes.js";
import type { Node } from "../shape.js";
import { mohawk, short, spiky } from "./hair/cropped.js";
import { bob, curly, long } from "./hair/loose.js";
import type { Hair } from "./hair/strands.js";
import { braids, bun, ponytail } from "./hair/tied.js";
import type { Rig } from "./rig.js";

/** Where a hat begins: hair above this line is under it. */
const HAT_LINE = -34;

const SHAPES: Readonly<Record<HairShape, (of: Rig) => Hair>> = {
  short,
  long,
  bob,
  curly,
  spiky,
  bun,
  ponytail,
  braids,
  mohawk,
  bald: () => ({ behind: [], over: [], front: [] }),
};

/** Only what a hat leaves to be seen. */
function underHat(nodes: Node[]): Node[] {
  return nodes.length === 0 ? [] : [{ clip: `M-140 ${HAT_LINE - 4}H140V200H-140Z`, nodes }];
}

/** The hair of a figure, in its three depths. */
export function hair(of: Rig): Hair {
  const made = SHAPES[of.person.hair](of);
  if (of.person.hat === "none" || of.person.hat === "crown") return made;
  return { behind: made.behind, over: underHat(made.over), front: underHat(made.front) };
}
