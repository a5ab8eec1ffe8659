import { type Layer, type Module, noGrad, scope, type Tensor } from "@stillframe/torch";

/** A projection with weights `[heads · d, in]`. */
interface Projection extends Layer {
  weight: Tensor;
  bias: Tensor | null;
}

/** Where an attention keeps its query and key projections, whichever way its checkpoint names them. */
interface Slots {
  owner: Record<string, Projection>;
  query: string;
  key: string;
  heads: number;
}

function slotsOf(module: Module): Slots | null {
  const owner = module as unknown as Record<string, Projection> & { heads?: number };
  const { heads } = owner as { heads?: number };
  for (const [query, key] of [
    ["toQ", "toK"],
    ["qProj", "kProj"],
  ] as const)
    if (owner[query] && owner[key] && heads !== undefined) return { owner, query, key, heads };
  return null;
}

/**
 * How far the largest score of a query stands above the mean of its scores, of the mean query, head by head: `[heads]`.
 * With 77 keys, a lead of 5 is at most two thirds of the attention for one of them.
 */
export function scoreLeads(q: Tensor, k: Tensor, heads: number): number[] {
  const split = (y: Tensor) => y.view(y.size(0), y.size(1), heads, -1).transpose(1, 2);
  return noGrad(() =>
    scope(() => {
      const [a, b] = [split(q.detach()), split(k.detach())];
      const scores = a.matmul(b.transpose(2, 3)).div(Math.sqrt(a.size(3)));
      return [...scores.amax(-1).sub(scores.mean(-1)).mean([0, 2]).floats()];
    }),
  );
}

/**
 * Keeps attention from hardening while a model is trained from nothing. At a high learning rate queries and keys grow until
 * the softmax gives everything to one key (entropy collapse: Zhai et al. 2023, arXiv:2303.06296); such a head has no
 * gradient and stays with whatever it looked at. Where the lead of a head's scores is above the limit, its queries and
 * keys are scaled down together (QK-Clip: Kimi K2, 2025, arXiv:2507.20534, §2.1; there with the largest score).
 */
export class AttentionLimit {
  private readonly attentions: Slots[];
  private readonly leads = new Map<Slots, number[]>();
  private readonly limit: number;

  constructor(module: Module, limit: number) {
    this.limit = limit;
    this.attentions = [...module.modules()].map((m) => slotsOf(m.module)).filter((s) => s !== null);
  }

  /** Runs a forward pass and notes every head's lead. */
  watch<T>(run: () => T): T {
    this.leads.clear();
    const restore = this.attentions.map((slots) => this.listen(slots));
    try {
      return run();
    } finally {
      for (const back of restore) back();
    }
  }

  private listen(slots: Slots): () => void {
    const { owner, query, key, heads } = slots;
    const [q, k] = [owner[query] as Projection, owner[key] as Projection];
    let queries: Tensor | null = null;
    const hear = (forward: (x: Tensor) => Tensor) => ({ forward }) as unknown as Projection;
    owner[query] = hear((x) => {
      queries = q.forward(x);
      return queries;
    });
    owner[key] = hear((x) => {
      const keys = k.forward(x);
      this.leads.set(slots, scoreLeads(queries as unknown as Tensor, keys, heads));
      return keys;
    });
    return () => {
      owner[query] = q;
      owner[key] = k;
    };
  }

  /** Scales down the heads that were above the limit when last watched. @returns the greatest lead before */
  apply(): number {
    let greatest = 0;
    noGrad(() =>
      scope(() => {
        for (const [{ owner, query, key, heads }, leads] of this.leads)
          for (const [head, lead] of leads.entries()) {
            greatest = Math.max(greatest, lead);
            if (lead <= this.limit) continue;
            for (const { weight, bias } of [owner[query] as Projection, owner[key] as Projection]) {
              const width = weight.size(0) / heads;
              for (const w of [weight, ...(bias === null ? [] : [bias])])
                w.narrow(0, head * width, width).mul_(Math.sqrt(this.limit / lead));
            }
          }
      }),
    );
    this.leads.clear();
    return greatest;
  }
}
