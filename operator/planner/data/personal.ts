import type { Contract } from '@kriptik/crds';
import type { DatasetSpec } from '../../catalog/catalog.ts';

/** Kinds of personal data, the most protected first. */
type Kind = 'children' | 'health' | 'biometric' | 'staff' | 'money' | 'contact';

const WORDING: readonly (readonly [Kind, RegExp])[] = [
  [
    'children',
    /\b(child|children|kids?|minors?|pupils?|students? under|toddlers?|baby|babies|schüler\w*|kinder|niñ[oa]s|enfants?)\b|儿童|孩子|未成年/i,
  ],
  [
    'health',
    /\b(patients?|medical (?:records?|recordings?|reports?|images?|scans?)|clinical|health records?|diagnos\w*|x-?rays?|mri|ehr|therapy|patienten\w*|arztbrief\w*|historiales|dossiers médicaux)\b|病历|患者|カルテ/i,
  ],
  [
    'biometric',
    /\b(faces?|selfies?|fingerprints?|iris|gesicht\w*|rostros?|visages?|voices?|speakers?|stimmen?|voz|voix|surveillance|cctv|(?:photos?|pictures?|fotos?) of (?:me|my (?:wife|husband|son|daughter|friends?|colleagues?|family)|people|employees|customers))\b|人脸|声音|监控/i,
  ],
  [
    'staff',
    /\b(employees?|staff|applicants?|cvs?|résumés?|resumes|payroll|mitarbeiter\w*|bewerb\w*|lebensl\w*|empleados)\b|简历|员工/i,
  ],
  [
    'money',
    /\b(bank statements?|transactions?|credit (?:card|score)\w*|invoices?|tax returns?|kontoausz\w*|rechnung\w*|facturas?)\b|银行流水|发票/i,
  ],
  [
    'contact',
    /\b(e-?mails?|tickets?|chats?|customer (?:messages|conversations|requests|service)|call (?:recordings?|transcripts?)|whatsapp|slack|support (?:requests?|conversations?|threads?)|crm|kunden\w*|correos?|courriels?|usuarios)\b|客服|聊天记录|邮件/i,
  ],
];

const SAID: Readonly<Record<Kind, string>> = {
  children: 'data about children, who are protected most (GDPR art. 8)',
  health: 'data about health (GDPR art. 9)',
  biometric: 'faces or voices of people (biometric data, GDPR art. 9)',
  staff: 'data about employees or applicants',
  money: 'data about payments of people or firms',
  contact: 'messages of customers or colleagues',
};

const ADVICE: Readonly<Record<Kind, string>> = {
  children: 'Leave it out unless guardians agreed in writing.',
  health: 'Take out names, dates and numbers first, and ask the data protection officer.',
  biometric: 'Keep a record of the consent of each person.',
  staff: 'Take names and addresses out first, and ask the works council where there is one.',
  money: 'Take account numbers, names and addresses out first.',
  contact: 'Replace names, addresses and numbers first; a tuned model can repeat what it has read.',
};

export interface PersonalData {
  readonly kinds: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Personal data that the wording of a goal or the flag of a data set points at.
 * A hint for people, not a verdict: words are all it has.
 */
export function personalData(
  contract: Pick<Contract, 'goalText' | 'datasetHint' | 'capability'>,
  datasets: readonly DatasetSpec[],
): PersonalData {
  const own = datasets.length > 0 ? '' : `${contract.goalText} ${contract.datasetHint ?? ''}`;
  const kinds = WORDING.filter(
    ([kind, words]) => words.test(own) || (kind === 'biometric' && own !== '' && contract.capability === 'voice-clone'),
  ).map(([kind]) => kind);
  const flagged = datasets.filter(({ personalData: flag }) => flag !== 'none');
  return {
    kinds: [...kinds, ...(flagged.length > 0 ? ['public'] : [])],
    warnings: [
      ...kinds.slice(0, 2).map((kind) => `Personal data: the goal points at ${SAID[kind]}. ${ADVICE[kind]}`),
      ...flagged.map(({ title, personalData: flag }) =>
        flag === 'yes'
          ? `Personal data: ${title} holds data about people. Check that its consent covers this use.`
          : `Personal data: ${title} may hold names or messages of people.`,
      ),
    ],
  };
}

/** Regions of the European Union or Switzerland, as the providers name theirs. */
export function isEuropean(region: string): boolean {
  return /^(eu|eur)(?:[-_]|$)|europe|^(de|fr|nl|se|cz|ro|es|it|pl|fi|at|ch|is|no|ie|be)(?:[-_]|$)/i.test(region);
}
