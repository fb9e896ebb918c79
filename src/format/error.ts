/** Why an image was refused: the field, the value found there and what was expected. Nothing else is thrown by `format/`. */
export class ImageError extends Error {
  override readonly name = "ImageError";
  /** The field's name as its specification writes it, e.g. `e_machine` or `phdr[2].p_vaddr`. */
  readonly field: string;
  /** The value found, ready to print. */
  readonly value: string;
  /** What was expected, ready to print. */
  readonly expected: string;

  constructor(field: string, value: string, expected: string) {
    super(`${field} is ${value}, expected ${expected}`);
    this.field = field;
    this.value = value;
    this.expected = expected;
  }
}
