import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { keep, liveTensors, scope, type Tensor, tensor } from "./index.js";

/** Checks that `body` leaves as many tensors as there were before. */
function flat(body: () => void): void {
  const before = liveTensors();
  body();
  assert.equal(liveTensors(), before);
}

describe("scope", () => {
  it("frees what was made inside and gives back the result", () => {
    flat(() => {
      const made: Tensor[] = [];
      const sum = scope(() => {
        made.push(tensor([1, 2]), tensor([3, 4]));
        return made[0]
          ?.add(made[1] as Tensor)
          .sum()
          .item();
      });
      assert.equal(sum, 10);
      assert.ok(made.every((t) => t.disposed));
    });
  });

  it("lets through tensors in arrays, objects, maps and sets, however deep", () => {
    flat(() => {
      const loop: unknown[] = [];
      const result = scope(() => {
        tensor([0]);
        loop.push(loop, tensor([5]));
        const bare: Record<string, Tensor> = Object.create(null);
        bare["x"] = tensor([6]);
        return {
          one: tensor([1]),
          list: [[tensor([2])]],
          map: new Map([["k", { t: tensor([3]) }]]),
          set: new Set([tensor([4])]),
          loop,
          bare,
          none: null,
        };
      });
      const kept = [
        result.one,
        result.list[0]?.[0],
        result.map.get("k")?.t,
        ...result.set,
        loop[1] as Tensor,
        result.bare["x"],
      ] as Tensor[];
      assert.deepEqual(
        kept.map((t) => t.item()),
        [1, 2, 3, 4, 5, 6],
      );
      for (const t of kept) t.dispose();
    });
  });

  it("does not look into other objects: their tensors go", () => {
    class Holder {
      readonly t = tensor([1]);
    }
    assert.equal(scope(() => new Holder()).t.disposed, true);
  });

  it("nests: what an inner scope gives back belongs to the outer one", () => {
    flat(() => {
      let middle: Tensor | undefined;
      const out = scope(() => {
        middle = scope(() => scope(() => tensor([1]).add(1)));
        assert.equal(middle.item(), 2);
        return middle.mul(2);
      });
      assert.deepEqual([middle?.disposed, out.item()], [true, 4]);
      out.dispose();
    });
  });

  it("leaves alone what was made outside, also when it is given back or changed in place", () => {
    flat(() => {
      const outer = tensor([1]);
      const same = scope(() => outer.add_(1));
      assert.equal(same, outer);
      scope(() => {
        outer.mul_(tensor([5]));
        scope(() => outer.add_(1));
      });
      assert.equal(outer.item(), 11);
      outer.dispose();
    });
  });

  it("frees everything when an exception passes, at every level", () => {
    flat(() => {
      const outer = tensor([1]);
      for (let i = 0; i < 3; i++)
        assert.throws(
          () =>
            scope(() => {
              tensor([1]);
              scope(() => {
                tensor([2]).add(outer);
                throw new RangeError("stop");
              });
            }),
          { name: "RangeError", message: "stop" },
        );
      scope(() => {
        assert.throws(() => scope(() => tensor([1]).mm(tensor([2]))));
        assert.equal(tensor([3]).item(), 3); // the scope around still owns what comes next
      });
      outer.dispose();
    });
  });

  it("frees everything when the result cannot be looked into", () => {
    flat(() => {
      const result = {
        made: null as Tensor | null,
        get broken(): Tensor {
          throw new RangeError("stop");
        },
      };
      assert.throws(
        () =>
          scope(() => {
            result.made = tensor([1]);
            return result;
          }),
        { name: "RangeError", message: "stop" },
      );
      scope(() => assert.equal(tensor([1]).item(), 1));
    });
  });

  it("refuses a promise, and frees what was made", () => {
    flat(() => {
      assert.throws(() => scope(async () => tensor([1])), {
        name: "InvalidArgumentError",
        message: "expected a synchronous function for scope but received an object of type Promise",
      });
      // biome-ignore lint/suspicious/noThenProperty: what can be awaited counts as a promise
      assert.throws(() => scope(() => ({ then: () => tensor([1]) })), /expected a synchronous function for scope/);
    });
  });

  it("frees nothing twice", () => {
    flat(() => {
      scope(() => {
        const t = tensor([1]);
        t.dispose();
        using u = tensor([2]);
        assert.equal(u.item(), 2);
      });
      const out = scope(() => {
        const t = tensor([1]);
        return [t, t];
      });
      out[0]?.dispose();
      assert.equal(out[1]?.disposed, true);
    });
  });

  it("holds more tensors than its buffer has places", () => {
    flat(() => {
      scope(() => {
        for (let i = 0; i < 5000; i++) tensor([i]);
      });
    });
  });
});

describe("keep", () => {
  it("takes a tensor out of all scopes that are open", () => {
    flat(() => {
      let kept: Tensor | undefined;
      scope(() => {
        scope(() => {
          const t = tensor([7]);
          kept = keep(t);
          assert.equal(kept, t);
        });
        assert.equal(kept?.item(), 7);
      });
      assert.equal(kept?.item(), 7);
      kept?.dispose();
    });
  });

  it("survives an exception", () => {
    flat(() => {
      let kept: Tensor | undefined;
      assert.throws(() =>
        scope(() => {
          kept = keep(tensor([7]));
          throw new Error("stop");
        }),
      );
      assert.equal(kept?.item(), 7);
      kept?.dispose();
    });
  });

  it("stays kept when it is given back to a scope around, and when it is kept twice", () => {
    flat(() => {
      let kept: Tensor | undefined;
      scope(() => {
        kept = scope(() => keep(keep(tensor([1]))));
      });
      assert.equal(kept?.item(), 1);
      kept?.dispose();
    });
  });

  it("refuses a tensor that is gone", () => {
    const gone = tensor([1]);
    gone.dispose();
    assert.throws(() => keep(gone), { name: "DisposedError", message: "keep: the tensor given was disposed" });
  });

  it("may be disposed inside", () => {
    flat(() => {
      scope(() => keep(tensor([1])).dispose());
    });
  });
});

describe("liveTensors", () => {
  it("counts every alias", () => {
    const before = liveTensors();
    const x = tensor([1, 2]);
    const view = x.view(2, 1);
    assert.equal(liveTensors(), before + 2);
    x.dispose();
    assert.equal(liveTensors(), before + 1);
    view.dispose();
    assert.equal(liveTensors(), before);
  });
});
