// Weights on disk: written whole, opened by mapping the file.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { arange, readSafetensors, writeSafetensors } from "@stillframe/torch";

const folder = mkdtempSync(join(tmpdir(), "stillframe-"));
const path = join(folder, "weights.safetensors");
const { bytes, sha256 } = writeSafetensors(path, [["weight", arange(0, 6, { dtype: "float32" }).view(2, 3)]], {
  metadata: { made_by: "example 04" },
});
console.log(bytes, sha256.slice(0, 8));

const { tensors, metadata } = readSafetensors(path);
console.log(tensors.get("weight").toArray(), metadata.made_by);
rmSync(folder, { recursive: true });
