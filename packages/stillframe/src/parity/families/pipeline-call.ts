import type { Size, TextToImageOptions } from "@stillframe/diffusion";

/** The reference pipeline's arguments. */
export interface PipelineArguments {
  prompt: string | string[];
  prompt_2?: string | string[] | null;
  negative_prompt?: string | string[] | null;
  negative_prompt_2?: string | string[] | null;
  guidance_scale: number;
  guidance_rescale?: number;
  num_inference_steps: number;
  height?: number;
  width?: number;
  original_size?: Size;
  crops_coords_top_left?: Size;
  target_size?: Size;
  negative_original_size?: Size;
  negative_crops_coords_top_left?: Size;
  negative_target_size?: Size;
  cross_attention_kwargs?: { scale?: number };
  /** of image-to-image alone */
  strength?: number;
}

export const listOf = (text: string | string[]): string[] => (typeof text === "string" ? [text] : text);

/** The reference's arguments as this library's options, without sampler and starting noise. */
export function optionsOf(
  args: PipelineArguments,
  { height, width }: { height: number; width: number },
): TextToImageOptions {
  const options: Record<string, unknown> = {
    prompts: listOf(args.prompt),
    prompts2: args.prompt_2 == null ? undefined : listOf(args.prompt_2),
    negativePrompts: args.negative_prompt == null ? undefined : listOf(args.negative_prompt),
    negativePrompts2: args.negative_prompt_2 == null ? undefined : listOf(args.negative_prompt_2),
    height: args.height ?? height,
    width: args.width ?? width,
    steps: args.num_inference_steps,
    guidanceScale: args.guidance_scale,
    guidanceRescale: args.guidance_rescale,
    originalSize: args.original_size,
    cropTopLeft: args.crops_coords_top_left,
    targetSize: args.target_size,
    negativeOriginalSize: args.negative_original_size,
    negativeCropTopLeft: args.negative_crops_coords_top_left,
    negativeTargetSize: args.negative_target_size,
  };
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as unknown as TextToImageOptions;
}
