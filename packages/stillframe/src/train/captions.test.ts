import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { encodePrompts, loadTextEncoders, type Sdxl } from "@stillframe/diffusion";
import { openWorkshop, type Workshop } from "../testing/workshop.js";
import { CaptionEncoder, captionStatistics, median, piecesOf, tokenLengths, tokenLimit } from "./captions.js";
import { ShardCache } from "./shard-cache.js";

let shop: Workshop;
let model: Pick<Sdxl, "tokenizers" | "textEncoders">;
before(async () => {
  shop = await openWorkshop({ pictures: 1 });
  model = loadTextEncoders(shop.base);
});
after(() => shop.close());

describe("caption lengths", () => {
  it("leave room for 75 tokens a piece", () => {
    assert.deepEqual([77, 150, 225].map(piecesOf), [1, 2, 3]);
    assert.deepEqual([77, 150, 225].map(tokenLimit), [75, 150, 225]);
  });

  it("count what is cut", () => {
    // the tokenizer of the random model merges nothing: a token is a letter
    const captions = ["", "abc", "a".repeat(75), "a".repeat(76), "a".repeat(200)];
    assert.deepEqual(tokenLengths(model, captions), [0, 3, 75, 76, 200]);
    assert.deepEqual(captionStatistics(model, captions, 77), {
      captions: 5,
      empty: 1,
      cut: 2,
      tokens: { least: 0, median: 75, most: 200 },
    });
    assert.equal(captionStatistics(model, captions, 150).cut, 1);
    assert.equal(captionStatistics(model, captions, 225).cut, 0);
    assert.deepEqual(captionStatistics(model, [], 77).tokens, { least: 0, median: 0, most: 0 });
  });

  it("median of even and odd counts", () => {
    assert.deepEqual([[3, 1, 2], [4, 1, 3, 2], []].map(median), [2, 2.5, 0]);
  });
});

describe("CaptionEncoder", () => {
  const encoder = (cache: ShardCache, pieces = 1, of = model) =>
    new CaptionEncoder(of, { cache, encodersKey: "k", pieces });

  it("gives what the encoders give, also from the cache, and for several pieces", () => {
    const cache = new ShardCache(shop.at("captions"));
    for (const pieces of [1, 3]) {
      const text = "a red circle, ".repeat(pieces * 4);
      const direct = encodePrompts(model, [text], { chunks: pieces });
      encoder(cache, pieces).encode(text);
      cache.flush();
      const again = encoder(new ShardCache(shop.at("captions")), pieces);
      assert.ok(again.has(text));
      const { promptEmbeds, textEmbeds } = again.encode(text);
      assert.deepEqual(promptEmbeds.shape, [1, 77 * pieces, 64]);
      assert.deepEqual(promptEmbeds.toArray(), direct.promptEmbeds.toArray());
      assert.deepEqual(textEmbeds.toArray(), direct.textEmbeds.toArray());
    }
    cache.dispose();
  });

  it("knows a caption by its ids: another tokenizer finds nothing, texts of equal ids are one", () => {
    const cache = new ShardCache(shop.at("ids"));
    encoder(cache).encode("a red circle");
    assert.ok(encoder(cache).has("a red circle"));
    assert.ok(encoder(cache).has("A  Red circle"), "case and white space do not reach the ids");
    assert.ok(!encoder(cache, 2).has("a red circle"));
    const vocabulary = shop.at("base", "tokenizer", "vocab.json");
    const before = readFileSync(vocabulary, "utf8");
    const ids = JSON.parse(before) as Record<string, number>;
    [ids.r, ids.s] = [ids.s as number, ids.r as number];
    writeFileSync(vocabulary, JSON.stringify(ids));
    const other = loadTextEncoders(shop.base);
    assert.ok(!encoder(cache, 1, other).has("a red circle"));
    writeFileSync(vocabulary, before);
    cache.dispose();
  });
});
