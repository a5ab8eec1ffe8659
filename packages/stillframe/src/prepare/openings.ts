/** A beginning that many captions share. */
export interface Opening {
  /** as the first caption writes it */
  text: string;
  count: number;
}

/** Longest beginning that is looked at, in words. */
const MOST_WORDS = 16;
/** Part of the captions below which a beginning is not worth telling. */
const LEAST_SHARE = 0.1;
const LEAST_COUNT = 3;
/** A longer beginning stands for a shorter one when it has this part of its captions. */
const SAME_SHARE = 0.9;

interface Node {
  text: string;
  count: number;
  next: Map<string, Node>;
}

/**
 * Beginnings that at least a tenth of the captions share, the most frequent first; of those that go on alike, the longest.
 * Words are compared without regard to case.
 */
export function repeatedOpenings(captions: readonly string[], { most = 5 }: { most?: number } = {}): Opening[] {
  const root: Node = { text: "", count: captions.length, next: new Map() };
  for (const caption of captions) {
    let node = root;
    for (const word of caption
      .split(/\s+/)
      .filter((w) => w !== "")
      .slice(0, MOST_WORDS)) {
      const key = word.toLowerCase();
      let next = node.next.get(key);
      if (next === undefined) {
        next = { text: node.text === "" ? word : `${node.text} ${word}`, count: 0, next: new Map() };
        node.next.set(key, next);
      }
      next.count += 1;
      node = next;
    }
  }
  const least = Math.max(LEAST_COUNT, LEAST_SHARE * captions.length);
  const found: Opening[] = [];
  const visit = (node: Node): void => {
    const children = [...node.next.values()].filter((c) => c.count >= least);
    const goesOn = children.some((c) => c.count >= SAME_SHARE * node.count);
    if (node !== root && !goesOn) found.push({ text: node.text, count: node.count });
    for (const c of children) visit(c);
  };
  visit(root);
  return found.sort((a, b) => b.count - a.count || b.text.length - a.text.length).slice(0, most);
}
