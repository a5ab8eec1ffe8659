import { lastPart } from "../base-model.js";
import { code, codeBlock, folded, number, table } from "../markdown.js";
import { provenanceBlock } from "../provenance-block.js";
import { paragraphs, type Section } from "./section.js";

/** Hashes of what went in and came out, and the command that trains it again. */
export const provenance: Section = {
  id: "provenance",
  write({ manifest, repo }) {
    const { results, model, vae, data, engine } = manifest;
    return paragraphs(
      "## Provenance",
      table(
        ["file", "bytes", "SHA-256"],
        [
          ...results.map(weight),
          ["**base model**", "", commitText(model)],
          ...model.weights.map(weight),
          ...(vae === null ? [] : [["**VAE**", "", commitText(vae)], ...vae.weights.map(weight)]),
          ["**pictures and captions**", "", code(data.content_sha256)],
        ],
      ),
      `Made with Stillframe ${manifest.stillframe} on libtorch ${engine.version} with seed ${manifest.seed}. The same options, data and seed on the same engine and kind of machine give the same bytes; this checks the hashes, trains again and says what differs:`,
      codeBlock(`npx stillframe reproduce ${repo ?? "README.md"}`, "sh"),
      folded("Manifest", provenanceBlock(manifest)),
    );
  },
};

function commitText({ commit }: { commit: string | null }): string {
  return commit === null ? "" : `commit ${code(commit)}`;
}

function weight({ path, bytes, sha256 }: { path: string; bytes: number; sha256: string }): string[] {
  // Weights of a base that was read from elsewhere may be named by whole paths.
  const name = /^([\\/~]|[A-Za-z]:)/.test(path) ? lastPart(path) : path;
  return [code(name), number(bytes), code(sha256)];
}
