import { type Generator, type Module, noGrad } from "@stillframe/torch";

/** A residual block's second convolution, a transformer's way out, and the UNet's last convolution. */
const WAYS_OUT = /(\.conv2|\.proj_out)\.(weight|bias)$/;
/** Convolutions that every signal passes: those of no residual block. */
const PATH = /(conv_in|samplers\.0\.conv|conv_shortcut|quant_conv)\.weight$/;

/**
 * Initial weights from a seed. Residual branches begin at zero (Goyal et al. 2017, §5.1) and the path beside them keeps
 * a signal's variance, so that a network begins as a linear one.
 */
export function initializeResidual<M extends Module>(module: M, generator: Generator): M {
  module.initialize(generator);
  noGrad(() => {
    for (const { key, tensor } of module.weights()) {
      if (WAYS_OUT.test(key)) tensor.zero_();
      // the layers' own initial deviation is 1/√(3·fan-in)
      else if (PATH.test(key)) tensor.mul_(Math.sqrt(3));
    }
  });
  return module;
}
