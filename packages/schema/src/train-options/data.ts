import { z } from "zod";
import { field } from "../field.js";
import { option } from "../option.js";

/** Which pictures are learned, and how they are cut. */
export const dataOptions = {
  train_data_dir: option(field.optionalText, {
    group: "data",
    metavar: "DIR",
    effect: "result",
    unset: "none; then dataset_name is required",
    help: "A folder of pictures with their captions in metadata.jsonl, metadata.csv or a .txt file beside each picture.",
  }),
  dataset_name: option(field.optionalText, {
    group: "data",
    metavar: "NAME",
    effect: "result",
    unset: "none; then train_data_dir is required",
    help: "A Hugging Face data set: a repository of the Hub, or a local folder of parquet files.",
  }),
  dataset_config_name: option(field.optionalText, {
    group: "data",
    metavar: "NAME",
    effect: "result",
    unset: "the default one",
    help: "Which configuration of the data set, where it has several.",
  }),
  image_column: option(z.string().min(1).default("image"), {
    group: "data",
    metavar: "NAME",
    effect: "result",
    help: "The data set's column with the pictures.",
  }),
  caption_column: option(z.string().min(1).default("text"), {
    group: "data",
    metavar: "NAME",
    effect: "result",
    help: "The column, or the field of metadata.jsonl, with the captions. A picture may have a list of captions: each time it is shown, one of them is drawn.",
  }),
  regions_column: option(field.optionalText, {
    group: "data",
    metavar: "NAME",
    effect: "result",
    unset: "all places of a picture count alike",
    help: 'A column with boxes that count more (faces) or less (subtitles) in the loss: {"bbox": [[x, y, width, height], …]} in pixels of the picture, as data sets for object detection have it in "objects", with "weight": […] for each box if wanted. Where boxes overlap the last one counts.',
  }),
  max_train_samples: option(field.optionalCount, {
    group: "data",
    effect: "result",
    unset: "all",
    help: "Use this many pictures, drawn with the seed.",
  }),
  cache_dir: option(field.optionalText, {
    group: "data",
    metavar: "DIR",
    effect: "files",
    unset: "the user's cache folder",
    help: "Where prepared pictures and encoded captions are kept between runs.",
  }),
  resolution: option(z.int().min(8).default(1024), {
    group: "data",
    effect: "result",
    help: "Side of the square, in pixels, that each picture is resized and cropped to; with aspect_ratio_buckets, the side of the square of equal area.",
  }),
  center_crop: option(field.flag, {
    group: "data",
    effect: "result",
    help: "Crop the middle of each picture. Without it the place is random.",
  }),
  random_flip: option(field.flag, {
    group: "data",
    effect: "result",
    help: "Show each picture mirrored half of the time. Not for styles where left and right matter, such as lettering.",
  }),
  image_interpolation_mode: option(
    z.enum(["nearest", "nearest_exact", "bilinear", "bicubic", "box", "hamming", "lanczos"]).default("lanczos"),
    { group: "data", metavar: "MODE", effect: "result", help: "The filter that resizes pictures." },
  ),
  aspect_ratio_buckets: option(field.flag, {
    group: "data",
    effect: "result",
    help: "Keep each picture's shape: sort pictures into rectangles of about equal area instead of cutting all to a square.",
  }),
  bucket_step: option(field.count.default(64), {
    group: "data",
    effect: "result",
    help: "Sides of the rectangles are multiples of this many pixels.",
  }),
  bucket_min: option(field.optionalCount, {
    group: "data",
    effect: "result",
    unset: "half of resolution",
    help: "Shortest side of a rectangle, in pixels.",
  }),
  bucket_max: option(field.optionalCount, {
    group: "data",
    effect: "result",
    unset: "twice resolution",
    help: "Longest side of a rectangle, in pixels.",
  }),
  dataloader_num_workers: option(z.int().min(0).default(0), {
    group: "data",
    effect: "speed",
    help: "How many pictures are read ahead in parallel; 0 chooses by the number of processor cores. The order of the pictures does not depend on it.",
  }),
};

/** What the text encoders are shown. */
export const captionOptions = {
  caption_prefix: option(z.string().default(""), {
    group: "captions",
    metavar: "TEXT",
    effect: "result",
    help: 'Put before every caption as it is, for instance "Still from the Anime, ".',
  }),
  caption_dropout: option(field.share.default(0), {
    group: "captions",
    effect: "result",
    help: "How often a caption is replaced by the empty one, drawn anew at each step. About 0.1 keeps guidance working after long training.",
  }),
  proportion_empty_prompts: option(field.share.default(0), {
    group: "captions",
    effect: "result",
    help: "Share of the pictures whose caption is empty for the whole run.",
  }),
  max_token_length: option(z.literal([77, 150, 225]).default(77), {
    group: "captions",
    effect: "result",
    help: "Longest caption in tokens. Above 77, captions are encoded in pieces of 75 and joined. How many captions were cut is reported.",
  }),
};
