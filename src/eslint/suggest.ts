import type { ObjectNode, ValueNode } from '@humanwhocodes/momoa';
import type { Draft } from '../lint/rule.ts';

/** Changes that an editor offers for a finding: another width in the config. */

/** A change of a text. */
export interface Edit {
  /** Positions in the text, the end not included. */
  range: [number, number];
  /** What stands there afterwards. */
  text: string;
}

/** What a fix changes texts with, the part of ESLint's that is used. */
export interface Fixer {
  /** Puts another text in place of a range. */
  readonly replaceTextRange: (range: [number, number], text: string) => Edit;
  /** Puts a text behind a range. */
  readonly insertTextAfterRange: (range: [number, number], text: string) => Edit;
}

/** A change that a person may choose. */
export interface Suggestion {
  /** What it does, as one sentence. */
  readonly desc: string;
  /** Makes the change. */
  readonly fix: (fixer: Fixer) => Edit[];
}

/** What the finding says to declare, where the config has a place for it. */
export function suggestionsFor({ declare }: Draft, body: ValueNode): Suggestion[] {
  if (declare === undefined || body.type !== 'Object') return [];
  const place = memberOf(body, declare.of);
  if (place?.type !== 'Object') return [];
  const [bits, signed] = [memberOf(place, 'bits'), memberOf(place, 'signed')];
  const bitsRange = bits?.range;
  if (bitsRange === undefined || (signed !== undefined && signed.range === undefined)) return [];
  const { width } = declare;
  const isSignedNow = signed?.type === 'Boolean' && signed.value;
  const kind = width.signed ? 'signed' : 'unsigned';
  return [
    {
      desc: `Declare ${width.bits} ${kind} bit${width.bits === 1 ? '' : 's'} for the ${declare.of}.`,
      fix: (fixer) => {
        const changes = [fixer.replaceTextRange([...bitsRange], String(width.bits))];
        if (isSignedNow === width.signed) return changes;
        const text = String(width.signed);
        changes.push(
          signed?.range === undefined
            ? fixer.insertTextAfterRange([...bitsRange], `, "signed": ${text}`)
            : fixer.replaceTextRange([...signed.range], text),
        );
        return changes;
      },
    },
  ];
}

function memberOf(node: ObjectNode, key: string): ValueNode | undefined {
  return node.members.find(({ name }) => name.type === 'String' && name.value === key)?.value;
}
