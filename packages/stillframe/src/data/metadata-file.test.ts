import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { type MetadataRecord, readCsv, readJsonLines } from "./metadata-file.js";

const folder = mkdtempSync(join(tmpdir(), "metadata-"));
after(() => rmSync(folder, { recursive: true, force: true }));

function file(content: string | Uint8Array): string {
  const path = join(folder, "metadata");
  writeFileSync(path, content);
  return path;
}

async function collect(records: AsyncIterable<MetadataRecord>): Promise<MetadataRecord[]> {
  const all: MetadataRecord[] = [];
  for await (const record of records) all.push(record);
  return all;
}

describe("readJsonLines", () => {
  it("reads records with their lines, over blank lines, a byte order mark and Windows line ends", async () => {
    const records = await collect(readJsonLines(file('\uFEFF{"a": 1}\r\n\r\n{"a": "é"}')));
    assert.deepEqual(records, [
      { line: 1, fields: { a: 1 } },
      { line: 3, fields: { a: "é" } },
    ]);
  });

  it("reads characters and lines that straddle the pieces of a long file", async () => {
    const text = "é€😀".repeat(30_000);
    const records = await collect(readJsonLines(file(`${JSON.stringify({ text })}\n`.repeat(3))));
    assert.deepEqual(
      records.map(({ line, fields }) => [line, fields.text === text]),
      [
        [1, true],
        [2, true],
        [3, true],
      ],
    );
  });

  it("streams: records before a broken line arrive before its error", async () => {
    const records = readJsonLines(file('{"a": 1}\n{"a": \n'));
    assert.equal((await records.next()).value?.line, 1);
    await assert.rejects(records.next(), { name: "FileFormatError" });
  });

  for (const [name, content, message] of [
    ["a cut line", '{"a": 1}\n\n{"a": \n', /metadata: line 3: expected a JSON object but .*JSON/],
    ["a list", "[1, 2]\n", /metadata: line 1: expected a JSON object but found \[1, 2\]/],
    ["a bare word", '{"a": 1}\nnull\n', /metadata: line 2: expected a JSON object but found null/],
    [
      "other bytes than UTF-8",
      Buffer.from([0x7b, 0xff, 0x7d]),
      /metadata: expected UTF-8 but found other bytes before byte 3/,
    ],
    [
      "a UTF-8 sequence that is cut",
      Buffer.from([0x22, 0xe2, 0x82]),
      /metadata: expected UTF-8 but found other bytes before byte 3/,
    ],
    ["a line without end", `"${"x".repeat(17 * 2 ** 20)}`, /metadata: expected lines of at most 16777216 characters/],
  ] as const)
    it(`refuses ${name}`, async () => {
      await assert.rejects(collect(readJsonLines(file(content))), { name: "FileFormatError", message });
    });
});

describe("readCsv", () => {
  it("reads quoted commas, quotes and line breaks, and knows the lines", async () => {
    const csv = '\uFEFFfile_name,text\na.png,"a ""red"" fox,\nin snow"\n\nb.png,plain\n"c, d.png",\n';
    assert.deepEqual(await collect(readCsv(file(csv))), [
      { line: 2, fields: { file_name: "a.png", text: 'a "red" fox,\nin snow' } },
      { line: 5, fields: { file_name: "b.png", text: "plain" } },
      { line: 6, fields: { file_name: "c, d.png" } },
    ]);
  });

  it("knows the lines with Windows line ends", async () => {
    const csv = 'file_name,text\r\na.png,"two\r\nlines"\r\nb.png,plain\r\n';
    const records = await collect(readCsv(file(csv)));
    assert.deepEqual(
      records.map(({ line }) => line),
      [2, 4],
    );
  });

  for (const [name, content, message] of [
    [
      "a record of another length",
      "a,b\n1,2\n1,2,3\n",
      /metadata: line 3: Invalid Record Length: columns length is 2, got 3/,
    ],
    ["a quote that never ends", 'a,b\n1,2\n1,"2\n', /metadata: line 3: Quote Not Closed/],
    ["a repeated column", "a,a\n1,2\n", /metadata: line 1: expected each column once but "a" is repeated/],
    ["other bytes than UTF-8", Buffer.from([0x61, 0x0a, 0xff]), /metadata: expected UTF-8 but found other bytes/],
  ] as const)
    it(`refuses ${name}`, async () => {
      await assert.rejects(collect(readCsv(file(content))), { name: "FileFormatError", message });
    });

  it("can be left early", async () => {
    for await (const record of readCsv(file(`a\n${"1\n".repeat(100_000)}`))) {
      assert.equal(record.line, 2);
      break;
    }
  });
});
