/** The adapter as the reference script writes it: what diffusers looks for. */
export const ADAPTER_FILE = "pytorch_lora_weights.safetensors";
/** The adapter in kohya's naming, for ComfyUI and A1111. */
export const KOHYA_FILE = "kohya_lora.safetensors";
