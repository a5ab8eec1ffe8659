// A low-rank update on a frozen layer: trained, then folded into a plain one.
import { LoraLinear } from "@stillframe/diffusion";
import { AdamW, backward, Generator, Linear, mseLoss, noGrad, randn, scope } from "@stillframe/torch";

const generator = new Generator(3);
const base = new Linear(16, 16).initialize(generator);
const target = new Linear(16, 16).initialize(generator);
const adapted = new LoraLinear(base, { rank: 4 });
adapted.initializeAdapter(generator);
const trained = [adapted.loraA.requiresGrad_(), adapted.loraB.requiresGrad_()];
const optimizer = new AdamW(trained, { lr: 0.02 });

for (let step = 0; step <= 400; step++)
  scope(() => {
    const x = randn([64, 16], { generator });
    const loss = mseLoss(
      adapted.forward(x),
      noGrad(() => target.forward(x)),
    );
    optimizer.zeroGrad();
    backward(loss);
    optimizer.step();
    if (step % 200 === 0) console.log(step, loss.item().toFixed(3));
  });

const x = randn([1, 16], { generator });
const plain = adapted.fuse();
console.log(adapted.forward(x).sub(plain.forward(x)).abs().amax().item() < 1e-5); // true
