import { field } from "../field.js";
import { option } from "../option.js";

/** Which model is tuned. */
export const modelOptions = {
  pretrained_model_name_or_path: option(field.text, {
    group: "model",
    metavar: "MODEL",
    effect: "result",
    help: "The Stable Diffusion XL model to start from: a folder in the diffusers layout, or a repository of the Hugging Face Hub.",
  }),
  pretrained_vae_model_name_or_path: option(field.optionalText, {
    group: "model",
    metavar: "VAE",
    effect: "result",
    unset: "the model's own",
    help: "Another VAE: a folder or a Hub repository, for instance madebyollin/sdxl-vae-fp16-fix.",
  }),
  revision: option(field.optionalText, {
    group: "model",
    metavar: "REV",
    effect: "result",
    unset: "the newest",
    help: "Branch, tag or commit of the model's Hub repository.",
  }),
  variant: option(field.optionalText, {
    group: "model",
    metavar: "NAME",
    effect: "result",
    unset: "the plain files",
    help: "Which weight files to read where a model has several: fp16 reads unet/diffusion_pytorch_model.fp16.safetensors and so on.",
  }),
};
