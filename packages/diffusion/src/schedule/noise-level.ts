/** How much signal and how much noise a sample holds: `x = alpha · x0 + sigma · eps`. */
export interface NoiseLevel {
  readonly alpha: number;
  readonly sigma: number;
}
