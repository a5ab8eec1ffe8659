/** Text in the styles that the command line uses; without colour, the text as it is. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  red(text: string): string;
}

/** The styles of a terminal with or without colour. */
export function styleFor(color: boolean): Style {
  const styled = (on: number, off: number) => (text: string) => (color ? `\x1b[${on}m${text}\x1b[${off}m` : text);
  return {
    bold: styled(1, 22),
    dim: styled(2, 22),
    green: styled(32, 39),
    yellow: styled(33, 39),
    red: styled(31, 39),
  };
}
