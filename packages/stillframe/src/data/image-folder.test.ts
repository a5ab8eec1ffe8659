import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import { type ImageFolderOptions, readImageFolder } from "./image-folder.js";

const scratch = mkdtempSync(join(tmpdir(), "image-folder-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
let folders = 0;

/** A folder of these files; an empty text makes a file that stands for a picture. */
function folderOf(files: Record<string, string | Uint8Array>): string {
  const folder = join(scratch, `${folders++}`, "set");
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

const jsonl = (...records: unknown[]): string => records.map((record) => `${JSON.stringify(record)}\n`).join("");

/** Items and skipped records without absolute paths. */
async function read(folder: string, options?: ImageFolderOptions): Promise<{ items: unknown[]; skipped: unknown[] }> {
  const { items, skipped } = await readImageFolder(folder, options);
  for (const item of items) assert.equal(item.path, join(folder, item.fileName));
  return { items: items.map(({ path: _, ...item }) => item), skipped: [...skipped] };
}

describe("readImageFolder with metadata.jsonl", () => {
  it("reads regions from the column that is named, and skips what they cannot be", async () => {
    const line = (name: string, objects?: unknown) => jsonl({ file_name: name, text: "x", objects });
    const folder = folderOf({
      "a.png": "",
      "b.png": "",
      "c.png": "",
      "metadata.jsonl": [line("a.png", { bbox: [[1, 2, 3, 4]] }), line("b.png"), line("c.png", "all")].join(""),
    });
    const { items, skipped } = await read(folder, { regionsColumn: "objects" });
    assert.deepEqual(items, [
      { fileName: "a.png", captions: ["x"], regions: [{ box: [1, 2, 3, 4], weight: null }], line: 1 },
      { fileName: "b.png", captions: ["x"], regions: [], line: 2 },
    ]);
    assert.match(JSON.stringify(skipped), /expected boxes as .* in column objects but found \\"all\\"/);
    assert.deepEqual((await read(folder)).items.length, 3);
    await assert.rejects(read(folder, { regionsColumn: "faces" }), {
      name: "FileFormatError",
      message: /expected a column faces for regions but found file_name, text, objects$/,
    });
  });

  it("keeps the order of the lines, and takes one caption or several", async () => {
    const folder = folderOf({
      "b.png": "",
      "a.png": "",
      "metadata.jsonl": `${jsonl({ file_name: "b.png", text: "a fox" })}\n${jsonl({ file_name: "a.png", text: ["one", "two"] })}`,
    });
    assert.deepEqual(await read(folder), {
      items: [
        { fileName: "b.png", captions: ["a fox"], regions: [], line: 1 },
        { fileName: "a.png", captions: ["one", "two"], regions: [], line: 3 },
      ],
      skipped: [],
    });
    assert.equal((await readImageFolder(folder)).captionSource, "metadata.jsonl");
  });

  it("accounts for every record that it cannot use, and for pictures that no record names", async () => {
    const folder = folderOf({
      "a.png": "",
      "unnamed.JPG": "",
      "notes.md": "not a picture",
      ".hidden.png": "",
      "folder/x.txt": "",
      "metadata.jsonl": jsonl(
        { file_name: "a.png", text: "a fox" },
        { file_name: "missing.png", text: "gone" },
        { file_name: "a.png" },
        { file_name: "a.png", text: null },
        { file_name: "a.png", text: [] },
        { file_name: "a.png", text: ["fox", 3] },
        { file_name: 7, text: "seven" },
        { text: "no file" },
        { file_name: "folder", text: "a folder" },
        { file_name: "a.png\0.jpg", text: "nul" },
        { file_name: "a.png", text: "" },
      ),
    });
    const { items, skipped } = await read(folder);
    assert.deepEqual(items, [
      { fileName: "a.png", captions: ["a fox"], regions: [], line: 1 },
      { fileName: "a.png", captions: [""], regions: [], line: 11 },
    ]);
    assert.match((skipped[8] as { reason: string }).reason, /^it cannot be read: .*null bytes/);
    skipped.splice(8, 1);
    assert.deepEqual(skipped, [
      { fileName: "missing.png", line: 2, reason: "the file does not exist" },
      { fileName: "a.png", line: 3, reason: "it has no caption in column text" },
      { fileName: "a.png", line: 4, reason: "it has no caption in column text" },
      { fileName: "a.png", line: 5, reason: "the list of captions in column text is empty" },
      {
        fileName: "a.png",
        line: 6,
        reason: 'expected a string or a list of strings in column text but found ["fox", 3]',
      },
      { fileName: "", line: 7, reason: "expected a file name but found 7" },
      { fileName: "", line: 8, reason: "expected a file name but found undefined" },
      { fileName: "folder", line: 9, reason: "it is not a file" },
      { fileName: "unnamed.JPG", reason: "no metadata.jsonl names it" },
    ]);
  });

  it("skips paths that leave the folder, and does not say whether they exist", async () => {
    const folder = folderOf({ "a.png": "", "inside/b.png": "" });
    const outside = join(dirname(folder), "secret.png");
    writeFileSync(outside, "");
    mkdirSync(join(dirname(folder), "set-beside"));
    writeFileSync(join(dirname(folder), "set-beside", "c.png"), "");
    symlinkSync(outside, join(folder, "link.png"));
    symlinkSync(dirname(folder), join(folder, "up"));
    symlinkSync(join(folder, "a.png"), join(folder, "inner-link.png"));
    const names = [
      "../secret.png",
      "../nothing.png",
      "inside/../../secret.png",
      outside,
      "C:\\secret.png",
      "../set-beside/c.png",
      "..",
      "link.png",
      "up/secret.png",
      "inside/../a.png",
      "inner-link.png",
      "inside/b.png",
    ];
    writeFileSync(join(folder, "metadata.jsonl"), jsonl(...names.map((file_name) => ({ file_name, text: "x" }))));
    const { items, skipped } = await read(folder);
    assert.deepEqual(
      items.map((item) => (item as { fileName: string }).fileName),
      ["a.png", "inner-link.png", "inside/b.png"],
    );
    const left = "its path leaves the folder";
    const linked = "its symbolic link leads out of the folder";
    assert.deepEqual(
      skipped.map((record) => (record as { reason: string }).reason),
      [left, left, left, left, left, left, left, linked, linked],
    );
  });

  it("follows links into the folders that it is told of", async () => {
    const folder = folderOf({ "metadata.jsonl": jsonl({ file_name: "link.png", text: "x" }) });
    const blobs = join(dirname(folder), "blobs");
    mkdirSync(blobs);
    writeFileSync(join(blobs, "0123"), "");
    symlinkSync(join(blobs, "0123"), join(folder, "link.png"));
    assert.equal((await read(folder)).items.length, 0);
    assert.equal((await read(folder, { linkTargets: [blobs] })).items.length, 1);
  });

  it("does not read metadata through a link that leaves the folder", async () => {
    const folder = folderOf({ "a.png": "" });
    writeFileSync(join(dirname(folder), "private"), jsonl({ file_name: "a.png", text: "x" }));
    symlinkSync(join(dirname(folder), "private"), join(folder, "metadata.jsonl"));
    await assert.rejects(readImageFolder(folder), {
      message: `${join(folder, "metadata.jsonl")}: its symbolic link leads out of the folder`,
    });
  });

  it("names the file and the line of a broken record", async () => {
    const folder = folderOf({ "a.png": "", "metadata.jsonl": '{"file_name": "a.png", "text": "x"}\n{"file_name": ' });
    await assert.rejects(readImageFolder(folder), (error: Error) => {
      assert.equal(error.name, "FileFormatError");
      assert.ok(error.message.startsWith(`${join(folder, "metadata.jsonl")}: line 2: expected a JSON object but `));
      return true;
    });
  });

  it("reads metadata of subfolders, which names pictures from its own place", async () => {
    const record = (file_name: string): string => jsonl({ file_name, text: file_name });
    const folder = folderOf({
      "train/b/metadata.jsonl": record("2.png"),
      "train/b/2.png": "",
      "train/a/metadata.jsonl": record("../c/1.png"),
      "train/c/1.png": "",
    });
    assert.deepEqual((await read(folder)).items, [
      { fileName: "train/c/1.png", captions: ["../c/1.png"], regions: [], line: 1 },
      { fileName: "train/b/2.png", captions: ["2.png"], regions: [], line: 1 },
    ]);
  });

  it("reads metadata at the top that names pictures in subfolders", async () => {
    const folder = folderOf({ "train/1.png": "", "metadata.jsonl": jsonl({ file_name: "train/1.png", text: "x" }) });
    assert.deepEqual((await read(folder)).items, [{ fileName: "train/1.png", captions: ["x"], regions: [], line: 1 }]);
  });

  it("takes other column names", async () => {
    const folder = folderOf({
      "a.png": "",
      "b.png": "",
      "metadata.jsonl": jsonl({ file_name: "b.png", photo_file_name: "a.png", photo: 1, prompt: "x", text: "y" }),
    });
    const options = { imageColumn: "photo", captionColumn: "prompt" };
    assert.deepEqual((await read(folder, options)).items, [
      { fileName: "a.png", captions: ["x"], regions: [], line: 1 },
    ]);
    const plain = folderOf({ "a.png": "", "metadata.jsonl": jsonl({ image: "a.png", text: "x" }) });
    assert.equal((await read(plain)).items.length, 1);
  });

  it("lists the columns that there are when one is not there at all", async () => {
    const folder = folderOf({ "a.png": "", "metadata.jsonl": jsonl({ file_name: "a.png", caption: "x" }) });
    const path = join(folder, "metadata.jsonl");
    await assert.rejects(readImageFolder(folder), {
      message: `${path}: expected a column text for captions but found file_name, caption`,
    });
    await assert.rejects(readImageFolder(folder, { imageColumn: "photo", captionColumn: "caption" }), {
      message: `${path}: expected a column photo_file_name or photo but found file_name, caption`,
    });
  });

  it("refuses metadata without records", async () => {
    const folder = folderOf({ "a.png": "", "metadata.jsonl": "\n" });
    await assert.rejects(readImageFolder(folder), {
      message: `${join(folder, "metadata.jsonl")}: expected records but found none`,
    });
  });
});

describe("readImageFolder with metadata.csv", () => {
  it("reads it, and counts an empty cell as no caption", async () => {
    const folder = folderOf({
      "a.png": "",
      "b.png": "",
      "metadata.csv": 'file_name,text\na.png,"a fox, red"\nb.png,\n',
    });
    assert.deepEqual(await read(folder), {
      items: [{ fileName: "a.png", captions: ["a fox, red"], regions: [], line: 2 }],
      skipped: [{ fileName: "b.png", line: 3, reason: "it has no caption in column text" }],
    });
    assert.equal((await readImageFolder(folder)).captionSource, "metadata.csv");
  });

  it("refuses to choose between the two kinds", async () => {
    const folder = folderOf({ "metadata.csv": "", "sub/metadata.jsonl": "" });
    await assert.rejects(readImageFolder(folder), {
      message: `expected metadata.jsonl or metadata.csv, not both, for image folder but received "sub/metadata.jsonl and metadata.csv in ${folder}"`,
    });
  });
});

describe("readImageFolder with text files", () => {
  it("reads the text beside each picture, in the order of the names", async () => {
    const folder = folderOf({
      "b.png": "",
      "b.txt": "\uFEFF a red fox\n",
      "a.jpeg": "",
      "a.txt": "two\nlines",
      "c.png": "",
      "d.png": "",
      "d.txt": Buffer.from([0xff]),
    });
    assert.deepEqual(await read(folder), {
      items: [
        { fileName: "a.jpeg", captions: ["two\nlines"], regions: [] },
        { fileName: "b.png", captions: ["a red fox"], regions: [] },
      ],
      skipped: [
        { fileName: "c.png", reason: "there is no caption file c.txt" },
        { fileName: "d.png", reason: "caption file d.txt: it is not UTF-8" },
      ],
    });
    assert.equal((await readImageFolder(folder)).captionSource, ".txt");
  });

  it("skips pictures and captions that are links out of the folder", async () => {
    const folder = folderOf({ "a.png": "", "b.txt": "b", "c.png": "", "c.txt": "c" });
    const outside = join(dirname(folder), "secret");
    writeFileSync(outside, "secret");
    symlinkSync(outside, join(folder, "a.txt"));
    symlinkSync(outside, join(folder, "b.png"));
    const { items, skipped } = await read(folder);
    assert.deepEqual(items, [{ fileName: "c.png", captions: ["c"], regions: [] }]);
    assert.deepEqual(skipped, [
      { fileName: "a.png", reason: "caption file a.txt: its symbolic link leads out of the folder" },
      { fileName: "b.png", reason: "its symbolic link leads out of the folder" },
    ]);
  });

  it("says what it looked for when there are no captions", async () => {
    const folder = folderOf({ "a.png": "", "other.txt": "" });
    await assert.rejects(readImageFolder(folder), {
      name: "InvalidArgumentError",
      message: `expected captions in metadata.jsonl, metadata.csv or a text file beside each picture (such as a.txt) for image folder but received "${folder}"`,
    });
  });

  it("says what it looked for when there are no pictures", async () => {
    const folder = folderOf({ "other.txt": "" });
    await assert.rejects(readImageFolder(folder), {
      message: new RegExp(`^expected pictures \\(\\.jpg .*\\) for image folder but received "${folder}"$`),
    });
  });

  it("refuses a folder that is none", async () => {
    const missing = join(scratch, "missing");
    await assert.rejects(readImageFolder(missing), {
      message: `expected a folder for image folder but received "${missing}"`,
    });
  });
});
