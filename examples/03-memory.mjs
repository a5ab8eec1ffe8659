// A scope frees what was made inside, except what it returns.
import { liveTensors, ones, scope } from "@stillframe/torch";

const before = liveTensors();
const total = scope(() => {
  let x = ones([1000]);
  for (let i = 0; i < 100; i++) x = x.mul(1.01); // a hundred tensors, freed together
  return x.sum();
});
console.log(liveTensors() - before); // 1: the result

total.dispose();
console.log(liveTensors() - before); // 0
