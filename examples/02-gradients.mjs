// Fits y = 2x + 1 by AdamW.
import { AdamW, backward, Generator, Linear, mseLoss, randn, scope } from "@stillframe/torch";

const generator = new Generator(7);
const line = new Linear(1, 1).initialize(generator).requiresGrad_(true);
const optimizer = new AdamW(line.trainable(), { lr: 0.05, weightDecay: 0 });

for (let step = 1; step <= 300; step++) {
  const loss = scope(() => {
    const x = randn([32, 1], { generator });
    const error = mseLoss(line.forward(x), x.mul(2).add(1));
    optimizer.zeroGrad();
    backward(error);
    optimizer.step();
    return error.item();
  });
  if (step % 100 === 0) console.log(step, loss.toExponential(1));
}
console.log(line.weight.item().toFixed(2), line.bias.item().toFixed(2)); // 2.00 1.00
