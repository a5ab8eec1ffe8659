/**
 * Board power of GPUs in watts, as their makers' data sheets give it, by what the driver calls them. The longest name
 * that a GPU's begins with counts. A board rarely draws more, and often less.
 */
const WATTS: Readonly<Record<string, number>> = {
  "NVIDIA A10": 150,
  "NVIDIA A100-PCIE-40GB": 250,
  "NVIDIA A100 80GB PCIe": 300,
  "NVIDIA A100-SXM4": 400,
  "NVIDIA GeForce RTX 3060": 170,
  "NVIDIA GeForce RTX 3080": 320,
  "NVIDIA GeForce RTX 3090": 350,
  "NVIDIA GeForce RTX 3090 Ti": 450,
  "NVIDIA GeForce RTX 4070": 200,
  "NVIDIA GeForce RTX 4080": 320,
  "NVIDIA GeForce RTX 4090": 450,
  "NVIDIA GeForce RTX 5090": 575,
  "NVIDIA H100 80GB HBM3": 700,
  "NVIDIA H100 PCIe": 350,
  "NVIDIA H200": 700,
  "NVIDIA L4": 72,
  "NVIDIA L40": 300,
  "NVIDIA L40S": 350,
  "NVIDIA RTX 6000 Ada Generation": 300,
  "NVIDIA RTX A6000": 300,
  "Tesla T4": 70,
  "Tesla V100-PCIE": 250,
  "Tesla V100-SXM2": 300,
};

/** The published board power of a GPU, or `undefined` of one that is not in the list. */
export function boardPower(accelerator: string): number | undefined {
  const names = Object.keys(WATTS).filter((name) => accelerator === name || accelerator.startsWith(`${name}-`));
  const longest = names.sort((a, b) => b.length - a.length)[0];
  return longest === undefined ? undefined : WATTS[longest];
}
