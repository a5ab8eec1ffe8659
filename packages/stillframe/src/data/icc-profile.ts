/**
 * The description of an ICC profile, such as `Display P3` (ICC.1:2022, 9.2.41: the `desc` tag, ASCII in version 2 and
 * UTF-16 in version 4); empty if there is none that can be read.
 */
export function profileDescription(profile: Uint8Array): string {
  const view = new DataView(profile.buffer, profile.byteOffset, profile.byteLength);
  if (view.byteLength < 132) return "";
  const tags = Math.min(view.getUint32(128), Math.floor((view.byteLength - 132) / 12));
  for (let i = 0; i < tags; i++) {
    const entry = 132 + i * 12;
    if (ascii(view, entry, 4) !== "desc") continue;
    const offset = view.getUint32(entry + 4);
    const size = view.getUint32(entry + 8);
    if (size < 12 || offset + size > view.byteLength) return "";
    return tagText(new DataView(profile.buffer, profile.byteOffset + offset, size));
  }
  return "";
}

/** Whether a profile says that it is sRGB, so that pixels need no conversion. */
export function isSrgbProfile(profile: Uint8Array): boolean {
  return /srgb/i.test(profileDescription(profile));
}

function tagText(tag: DataView): string {
  const type = ascii(tag, 0, 4);
  if (type === "desc") return ascii(tag, 12, Math.min(tag.getUint32(8), tag.byteLength - 12)).replace(/\0.*$/s, "");
  if (type !== "mluc" || tag.byteLength < 28) return "";
  const length = tag.getUint32(20);
  const offset = tag.getUint32(24);
  if (offset + length > tag.byteLength) return "";
  let text = "";
  for (let i = 0; i + 1 < length; i += 2) text += String.fromCharCode(tag.getUint16(offset + i));
  return text;
}

function ascii(view: DataView, offset: number, length: number): string {
  let text = "";
  for (let i = 0; i < length; i++) text += String.fromCharCode(view.getUint8(offset + i));
  return text;
}
