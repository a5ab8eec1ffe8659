import { noGrad, scope, type Tensor } from "@stillframe/torch";
import sharp from "sharp";

/** Pictures `[n, 3, h, w]` about [-1, 1] side by side, as a PNG. */
export async function sheetOf(pictures: Tensor, { path, columns }: { path: string; columns: number }): Promise<void> {
  const { n, h, w } = pictures.dims("n 3 h w");
  const cells = noGrad(() =>
    scope(() => {
      const bytes = pictures.mul(127.5).add(127.5).clamp(0, 255).round().to("uint8");
      return Array.from({ length: n }, (_, i) => ({
        input: Buffer.from(bytes.select(0, i).permute(1, 2, 0).contiguous().data() as Uint8Array),
        raw: { width: w, height: h, channels: 3 as const },
        left: (i % columns) * w,
        top: Math.floor(i / columns) * h,
      }));
    }),
  );
  await sharp({ create: { width: columns * w, height: Math.ceil(n / columns) * h, channels: 3, background: "#fff" } })
    .composite(cells)
    .png({ palette: true, effort: 8 })
    .toFile(path);
}
