import sharp from "sharp";

/** A picture that no other number gives: smooth colours, `width` × `height`. */
export async function drawnPicture(
  i: number,
  { width = 64, height = 48, format = "png" }: { width?: number; height?: number; format?: "png" | "jpeg" } = {},
): Promise<Buffer> {
  const data = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++) {
        const [u, v] = [x / width, y / height];
        const wave = Math.sin((u * (3 + ((i * 7) % 5)) + c) * 2 + i) + Math.cos((v * (2 + ((i * 3) % 7)) - c * i) * 3);
        data[(y * width + x) * 3 + c] = 127.5 + 60 * wave;
      }
  return sharp(data, { raw: { width, height, channels: 3 } })
    .toFormat(format)
    .toBuffer();
}
