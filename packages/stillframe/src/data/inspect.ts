import { availableParallelism } from "node:os";
import { type DecodeOptions, decodePicture } from "./decode.js";
import { mapConcurrently } from "./map-concurrently.js";
import { contentHash, readPictureFile } from "./picture-file.js";
import { type PictureHeader, type PictureLimits, probePicture } from "./probe.js";
import { UnusablePictureError } from "./unusable-picture-error.js";

/** What a picture's own file says, beside what the list said of it. */
export type InspectedPicture<T> = T & {
  readonly header: PictureHeader;
  /** SHA-256 of the file's bytes, in hexadecimal. */
  readonly sha256: string;
};

export interface RejectedPicture<T> {
  readonly item: T;
  readonly reason: string;
}

export interface InspectOptions extends PictureLimits, Pick<DecodeOptions, "colourProfile"> {
  /**
   * Decode every picture as well, which finds truncated and damaged files; takes milliseconds a picture instead of
   * microseconds. Default true.
   */
  readonly decode?: boolean;
  /** Pictures in work at once. Default the number of cores. */
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
}

/** Opens each picture and tells the usable from the unusable. Both lists keep the order of the items. */
export async function inspectPictures<T extends { readonly path: string }>(
  items: Iterable<T>,
  options: InspectOptions = {},
): Promise<{ usable: InspectedPicture<T>[]; rejected: RejectedPicture<T>[] }> {
  const { concurrency = availableParallelism(), signal } = options;
  const usable: InspectedPicture<T>[] = [];
  const rejected: RejectedPicture<T>[] = [];
  const results = mapConcurrently(items, (item) => inspect(item, options), {
    concurrency,
    ...(signal ? { signal } : {}),
  });
  for await (const result of results) {
    if ("reason" in result) rejected.push(result);
    else usable.push(result.picture);
  }
  return { usable, rejected };
}

async function inspect<T extends { readonly path: string }>(
  item: T,
  options: InspectOptions,
): Promise<{ readonly picture: InspectedPicture<T> } | RejectedPicture<T>> {
  try {
    // One read serves the hash, the header and the decoder, so that all three speak of the same bytes.
    const bytes = await readPictureFile(item.path);
    const probe = await probePicture(bytes, options);
    if (!probe.usable) return { item, reason: probe.reason };
    if (options.decode ?? true) await decodePicture(bytes, { ...options, name: item.path });
    return { picture: { ...item, header: probe.header, sha256: contentHash(bytes) } };
  } catch (error) {
    if (error instanceof UnusablePictureError) return { item, reason: error.reason };
    throw error;
  }
}
