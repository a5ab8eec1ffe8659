/** A safetensors file with these tensor names (two bytes each) and metadata; `padding` more bytes in the last one. */
export function safetensors(
  names: readonly string[],
  { metadata = {}, padding = 0 }: { metadata?: Readonly<Record<string, string>>; padding?: number } = {},
): Buffer {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let end = 0;
  for (const [i, name] of names.entries()) {
    const bytes = 2 + (i === names.length - 1 ? padding : 0);
    header[name] = { dtype: "U8", shape: [bytes], data_offsets: [end, end + bytes] };
    end += bytes;
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const data = Buffer.alloc(end);
  for (let i = 0; i < end; i++) data[i] = (i * 31 + 7) & 255;
  return Buffer.concat([length, text, data]);
}

/** The smallest adapter in diffusers' names. */
export const ADAPTER: Buffer = safetensors(
  ["unet.mid_block.attentions.0.to_q.lora.down.weight", "unet.mid_block.attentions.0.to_q.lora.up.weight"],
  {
    padding: 40_000,
  },
);
