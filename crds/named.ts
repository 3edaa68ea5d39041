/** A type that has a name of its own: where its schema stands, and the module it is written to. */
export interface NamedType {
  readonly name: string;
  readonly kind: string;
  readonly path: string;
  readonly module: string;
}

const shared = (name: string, path: string, kind = 'TrainingPlan'): NamedType => ({
  name,
  kind,
  path,
  module: 'shared',
});
const own = (kind: string, name: string, path: string): NamedType => ({ name, kind, path, module: kind.toLowerCase() });

/**
 * Names of the types. A schema of the same shape elsewhere takes the same name, so that a job's frozen contract has the
 * type of the plan's. Everything else is written in line.
 */
export const namedTypes: readonly NamedType[] = [
  shared('Modality', 'spec.contract.modality'),
  shared('MethodName', 'status.resolved.method.name'),
  shared('Quality', 'spec.contract.quality'),
  shared('ProviderType', 'status.resolved.compute.providerType'),
  shared('TileName', 'status.tiles[].name'),
  shared('Condition', 'status.conditions[]'),
  shared('DataSource', 'spec.contract.data[]'),
  shared('Output', 'spec.contract.output[]'),
  shared('Constraints', 'spec.contract.constraints'),
  shared('MethodOptions', 'spec.contract.constraints.options'),
  shared('EvaluationChoice', 'spec.contract.constraints.evaluation'),
  shared('BaseModel', 'spec.contract.baseModel'),
  shared('Consent', 'spec.contract.consent'),
  shared('Parsing', 'status.intent.parsing', 'TrainingGoal'),
  shared('Budget', 'spec.budget', 'TrainingGoal'),
  shared('Contract', 'spec.contract'),
  shared('MethodChoice', 'status.resolved.method'),
  shared('Hyperparameters', 'status.resolved.hyperparameters'),
  shared('PlannedData', 'status.resolved.data[]'),
  shared('ComputeChoice', 'status.resolved.compute'),
  shared('Stage', 'status.resolved.stages[]'),
  shared('StageQuote', 'status.quote.stages[]'),
  shared('Resolved', 'status.resolved'),
  shared('Quote', 'status.quote'),
  own('TrainingGoal', 'Notification', 'spec.notify[]'),
  own('TrainingGoal', 'Question', 'status.intent.questions[]'),
  own('TrainingGoal', 'TrainingGoalSpec', 'spec'),
  own('TrainingGoal', 'TrainingGoalStatus', 'status'),
  own('TrainingPlan', 'Alternative', 'status.tiles[].alternatives[]'),
  own('TrainingPlan', 'Tile', 'status.tiles[]'),
  own('TrainingPlan', 'Change', 'status.changes[]'),
  own('TrainingPlan', 'Approval', 'status.approval'),
  own('TrainingPlan', 'Selection', 'spec.selection'),
  own('TrainingPlan', 'TrainingPlanSpec', 'spec'),
  own('TrainingPlan', 'TrainingPlanStatus', 'status'),
  own('TrainingJob', 'Run', 'spec.run'),
  own('TrainingJob', 'Attempt', 'status.attempts[]'),
  own('TrainingJob', 'Checkpoint', 'status.checkpoints[]'),
  own('TrainingJob', 'Progress', 'status.progress'),
  own('TrainingJob', 'Cost', 'status.cost'),
  own('TrainingJob', 'Freeze', 'status.freeze'),
  own('TrainingJob', 'MonthAmount', 'status.storage.months[]'),
  own('TrainingJob', 'StorageMeter', 'status.storage'),
  own('TrainingJob', 'ProviderTimings', 'status.timings[]'),
  own('TrainingJob', 'PaceMark', 'status.pace[]'),
  own('TrainingJob', 'TrainingJobSpec', 'spec'),
  own('TrainingJob', 'TrainingJobStatus', 'status'),
  own('TrainingReceipt', 'ReceiptMonth', 'spec.months[]'),
  own('TrainingReceipt', 'TrainingReceiptSpec', 'spec'),
  own('TrainingPolicy', 'TrainingPolicySpec', 'spec'),
  own('TrainingPolicy', 'TrainingPolicyStatus', 'status'),
  own('ComputeProvider', 'ComputeProviderSpec', 'spec'),
  own('ComputeProvider', 'ComputeProviderStatus', 'status'),
];

/** Strings that mean more than text, told by their format or pattern. */
export const stringAliases = [
  {
    name: 'Money',
    what: 'US dollars, a decimal string such as "12.50".',
    format: undefined,
    pattern: String.raw`^(0|[1-9][0-9]{0,8})(\.[0-9]{1,6})?$`,
  },
  { name: 'Time', what: 'A moment, RFC 3339.', format: 'date-time', pattern: undefined },
  { name: 'Digest', what: '"sha256:" and 64 hexadecimal digits.', format: undefined, pattern: '^sha256:[0-9a-f]{64}$' },
] as const;
