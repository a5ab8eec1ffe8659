/** Fetches `REPO` from `HF_ENDPOINT` into the cache of `HOME` and prints the folder: a process of its own for tests. */
import { fetchSnapshot } from "../snapshot.js";

const { folder } = await fetchSnapshot({ repo: process.argv[2]!, type: "model" });
console.log(folder);
