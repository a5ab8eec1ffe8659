import type { Family } from "../family.js";

/** Inception features, Fréchet distance, KID: there is no implementation to check yet. */
export const fid: Family = {
  name: "fid",
  owns: (file) => file.startsWith("fid/"),
};
