// Where in the evidence may a value stand, without looking at every field? Each field is read once per kind of question that is asked
// of its task: its typed forms, its numbers, days, addresses, links and words. Which fields hold the value then, evidence.ts says.

import { dayOf } from './calendar.ts';
import type { Field } from './evidence.ts';
import { inAll, type Posted, Postings } from './postings.ts';
import { addressesIn, boundedDaysIn, ibanHead, ibanHeadsIn, isCutShort, numbersIn } from './tokens.ts';
import { normal, type Scalar, shortNumber, typedKey, type ValueType, valueKey } from './typed-value.ts';
import { eachUrl } from './url.ts';
import { eachWord, wordsIn } from './words.ts';

/** Positions of fields, ascending in each list; one field may stand in several. */
export interface Candidates {
  /** The whole field is the value. */
  readonly whole: readonly number[];
  /** The value stands in its text. */
  readonly inText: readonly (readonly number[])[];
  /** It may stand in there, which a finder has to say. */
  readonly perhaps: readonly (readonly number[])[];
}

/** Words of a value beyond these are left to the finder. */
const wordsAskedMax = 16;

export class EvidenceIndex {
  readonly #fields: readonly Field[];
  readonly #wholes = new Map<ValueType, Wholes>();
  readonly #tokens = new Map<TokenType, Lane<string>>();
  readonly #words: Lane<number>;
  readonly #texts: { upTo: number; readonly fields: number[] } = { upTo: 0, fields: [] };

  /** The array may grow later. */
  constructor(fields: readonly Field[]) {
    this.#fields = fields;
    this.#words = new Lane(eachWord);
  }

  candidatesFor(type: ValueType, value: Scalar): Candidates {
    const text = this.#textFor(type, value);
    return {
      whole: this.whole(type, value),
      inText: text.map(({ sure }) => sure),
      perhaps: text.map(({ perhaps }) => perhaps),
    };
  }

  /** Fields that are equal to the value as values of this type. */
  whole(type: ValueType, value: Scalar): readonly number[] {
    const key = typedKey(type, value);
    const ofType = this.#wholesOf(type);
    if (key !== null) return ofType.at(key);
    // What does not parse as its type is compared as text with other such (rules §3.8).
    const asText = this.#wholesOf('text').at(valueKey('text', value));
    return type === 'text' ? asText : asText.filter((field) => !ofType.parsed.has(field));
  }

  #wholesOf(type: ValueType): Wholes {
    const found = this.#wholes.get(type) ?? new Wholes(type);
    this.#wholes.set(type, found);
    found.read(this.#fields);
    return found;
  }

  /** As `finderOf` looks for it: any change there is one here. */
  #textFor(type: ValueType, value: Scalar): readonly Posted[] {
    if (typeof value === 'boolean') return [];
    const key = typedKey(type, value);
    if (key === null) return [this.#literal(value)];
    switch (type) {
      case 'iban': {
        const { sure, perhaps } = this.#token('iban', ibanHead(key.slice('iban:'.length)));
        return [unsure(sure), unsure(perhaps)]; // only its head
      }
      case 'email':
        return [this.#token('email', key), this.#literal(value)];
      case 'url':
        return isCutShort(value) ? [this.#token('url', key), this.#literal(value)] : [this.#token('url', key)];
      case 'number':
        return [this.#token('number', shortNumber(String(value))!)];
      case 'date': {
        const { year, month, day } = dayOf(normal(String(value)))!;
        return [this.#token('date', `${year}-${month}-${day}`), this.#token('date', `null-${month}-${day}`)];
      }
      case 'id':
      case 'text':
        return [this.#literal(value)];
    }
  }

  #token(type: TokenType, term: string): Posted {
    const lane = this.#tokens.get(type) ?? new Lane(TERMS[type]);
    this.#tokens.set(type, lane);
    return lane.read(this.#fields).of(term);
  }

  #literal(value: string | number): Posted {
    const words = [...wordsIn(normal(String(value)))];
    if (words.length === 0) return unsure(this.#allTexts()); // signs alone
    const postings = this.#words.read(this.#fields);
    return unsure(inAll(words.slice(0, wordsAskedMax).map((word) => postings.of(word).sure)));
  }

  #allTexts(): readonly number[] {
    const texts = this.#texts;
    for (; texts.upTo < this.#fields.length; texts.upTo++)
      if (isText(this.#fields[texts.upTo]!)) texts.fields.push(texts.upTo);
    return texts.fields;
  }
}

/** Fields by what they are as a whole, under one type. */
class Wholes {
  readonly parsed = new Set<number>();
  readonly #type: ValueType;
  readonly #byKey = new Map<string, number[]>();
  #upTo = 0;

  constructor(type: ValueType) {
    this.#type = type;
  }

  read(fields: readonly Field[]): void {
    for (; this.#upTo < fields.length; this.#upTo++) {
      const { value } = fields[this.#upTo]!;
      const key = typedKey(this.#type, value) ?? (this.#type === 'text' ? valueKey('text', value) : null);
      if (key === null) continue;
      this.parsed.add(this.#upTo);
      const same = this.#byKey.get(key);
      if (same === undefined) this.#byKey.set(key, [this.#upTo]);
      else same.push(this.#upTo);
    }
  }

  at(key: string): readonly number[] {
    return this.#byKey.get(key) ?? [];
  }
}

type TokenType = 'iban' | 'email' | 'url' | 'number' | 'date';
/** Until `add` says that no more are wanted. */
type AddTerms<Term> = (text: string, add: (term: Term) => boolean) => void;

function added<Token>(
  tokensIn: (text: string) => Iterable<Token>,
  termOf: (token: Token) => string | null,
): AddTerms<string> {
  return (text, add) => {
    for (const token of tokensIn(text)) {
      const term = termOf(token);
      if (term !== null && !add(term)) return;
    }
  };
}

const TERMS: { readonly [Type in TokenType]: AddTerms<string> } = {
  iban: added(ibanHeadsIn, (head) => head),
  email: added(addressesIn, ({ address }) => typedKey('email', address)),
  url: added(eachUrl, ({ url }) => typedKey('url', url)),
  number: added(numbersIn, ({ short }) => short),
  date: added(boundedDaysIn, ({ year, month, day }) => `${year}-${month}-${day}`),
};

/** One kind of term in all texts. */
class Lane<Term extends string | number> {
  readonly #addTerms: AddTerms<Term>;
  readonly #postings = new Postings<Term>();
  #upTo = 0;

  constructor(addTerms: AddTerms<Term>) {
    this.#addTerms = addTerms;
  }

  read(fields: readonly Field[]): Postings<Term> {
    for (; this.#upTo < fields.length; this.#upTo++) {
      const field = fields[this.#upTo]!;
      if (isText(field)) this.#addTerms(field.searched, (term) => this.#postings.add(term, this.#upTo));
    }
    return this.#postings;
  }
}

function unsure(perhaps: readonly number[]): Posted {
  return { sure: [], perhaps };
}

function isText({ value }: Field): boolean {
  return typeof value === 'string';
}
