/** `words` as one line that a POSIX shell reads back as the same words. */
export function quoted(words: readonly string[]): string {
  return words.map(quotedWord).join(" ");
}

function quotedWord(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  // `--prompt=a b` reads better as --prompt='a b' than quoted whole.
  const [, option = "", value = word] = /^(--[\w-]+=)(.*)$/s.exec(word) ?? [];
  return `${option}'${value.replaceAll("'", `'\\''`)}'`;
}

/** `argv` without the options `names` (either spelling, with their values). */
export function withoutOptions(argv: readonly string[], names: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    const [, name, value] = /^--([\w-]+)(=.*)?$/s.exec(word) ?? [];
    if (name === undefined || !names.includes(name.replaceAll("-", "_"))) kept.push(word);
    else if (value === undefined && argv[i + 1]?.startsWith("-") === false) i++;
  }
  return kept;
}

/**
 * The command line that goes on with the run that `argv` (after the command) started. A token is not repeated.
 *
 * @param overwrote whether the run was told to overwrite its folder, on the command line or in its configuration file.
 */
export function resumeCommand(argv: readonly string[], overwrote: boolean): string {
  const dropped = ["resume_from_checkpoint", "overwrite_output_dir", "no_overwrite_output_dir", "hub_token"];
  const kept = withoutOptions(argv, dropped);
  const switchOff = overwrote ? ["--no-overwrite_output_dir"] : [];
  return quoted(["npx", "stillframe", "train", ...kept, ...switchOff, "--resume_from_checkpoint=latest"]);
}
