import type { RecognizingExtractor, Share } from "../recognition.js";
import { meanColour } from "./mean-colour.js";

const share = (right: number, of: number): Share => ({ right, of });

/** Mean colours, and by them what is seen: the style is a picture that is brighter than half. */
export function recognizing(): RecognizingExtractor {
  return {
    ...meanColour(),
    name: "bright or dark",
    recognition: {
      questions: { light: ["dark", "bright"], name: ["nobody", "Red"], tint: ["red", "blue"] },
      style: { question: "light", answer: "bright" },
      name: "name",
      answers: (features) => {
        const numbers = features.floats();
        const rows = Array.from({ length: features.size(0) }, (_, i) => numbers.subarray(i * 6, i * 6 + 3));
        const mean = (row: Float32Array) => row.reduce((a, b) => a + b, 0) / 3;
        const isRed = (row: Float32Array) => (row[0] as number) > (row[2] as number);
        return {
          light: rows.map((row) => (mean(row) > 0.5 ? "bright" : "dark")),
          name: rows.map((row) => (isRed(row) ? "Red" : "nobody")),
          tint: rows.map((row) => (isRed(row) ? "red" : "blue")),
        };
      },
      accuracy: [{ on: "8 colours", style: share(8, 8), name: share(3, 4), attributes: share(6, 8) }],
    },
  };
}
