import { fileURLToPath } from 'node:url';
import type { BaseModel, Contract } from '@kriptik/crds';
import type { Catalog, ModelSpec } from '../catalog/catalog.ts';
import { findLicense, modelsOfFamily } from '../catalog/lookup.ts';
import { configAnswer } from '../hub/answers.ts';
import type { Enriched, ModelProblem } from '../hub/enrich.ts';
import { shapeOf } from '../hub/model-spec.ts';
import { type ModelFolder, ModelFolderProblem, readModelFolder } from '../trainer/model-folder.ts';

/**
 * The catalog with the base model of `contract.baseModel` in it. A folder of this machine is read; what it does not
 * tell, and everything of one that only the provider's machines see, comes from the family's member nearest in size.
 * A problem names the field and what to do.
 */
export async function withOwnModel(catalog: Catalog, contract: Contract): Promise<Enriched> {
  const { baseModel } = contract;
  if (baseModel === undefined) return { catalog };
  const like = templateOf(catalog, contract, baseModel);
  if ('problem' in like) return like;
  const read = await folderOf(baseModel);
  if ('problem' in read) return read;
  const { folder } = read;
  const parameters = baseModel.parameters ?? folder?.parameters;
  if (parameters === undefined) return refused('parameters', 'is not stated', 'State the number of weights');
  return {
    catalog: { ...catalog, models: [...catalog.models, ownSpec(catalog, contract, like.rows, parameters, folder)] },
  };
}

function templateOf(
  catalog: Catalog,
  { modality }: Contract,
  { family }: BaseModel,
): { readonly rows: readonly ModelSpec[] } | { readonly problem: ModelProblem } {
  const rows = modelsOfFamily(catalog, family);
  const [first] = rows;
  if (first === undefined) {
    const known = [
      ...new Set(catalog.models.filter((model) => model.modality === modality).map((model) => model.family)),
    ];
    const remedy = `Name the family that it is built like: ${known.slice(0, 16).join(', ')}`;
    return refused('family', `the catalog has no model of the family ${family}`, remedy);
  }
  const text = new Set([modality, first.modality]);
  if (first.modality === modality || (text.has('llm') && text.has('code'))) return { rows };
  return refused(
    'family',
    `${family} models are for ${first.modality}, the goal is for ${modality}`,
    'Name another family, or set spec.constraints.modality',
  );
}

/** What the folder says; nothing where it is not of this machine and its size is stated. */
async function folderOf({
  source,
  parameters,
}: BaseModel): Promise<{ readonly folder?: ModelFolder } | { readonly problem: ModelProblem }> {
  if (!source.startsWith('file://')) return {};
  try {
    return { folder: await readModelFolder(fileURLToPath(source)) };
  } catch (error) {
    if (!(error instanceof ModelFolderProblem)) throw error;
    if (parameters !== undefined) return {};
    const remedy = `${error.remedy} Where only the machines of a provider see it, state spec.baseModel.parameters`;
    return refused('source', error.message, remedy);
  }
}

function refused(field: string, message: string, remedy: string): { readonly problem: ModelProblem } {
  return { problem: { field: `spec.baseModel.${field}`, message, remedy } };
}

function ownSpec(
  catalog: Catalog,
  { baseModel, modality }: Contract,
  rows: readonly ModelSpec[],
  parameters: number,
  folder: ModelFolder | undefined,
): ModelSpec {
  const { source = '', license = 'unknown', revision } = baseModel ?? {};
  const nearest = rows.toSorted((a, b) => distance(a, parameters) - distance(b, parameters))[0] as ModelSpec;
  const config = folder?.config === undefined ? undefined : configAnswer.safeParse(folder.config).data;
  const name = source.split('/').at(-1) || source;
  const slug = name.toLowerCase().replaceAll(/[^a-z0-9._-]+/g, '-');
  const { architecture, shape, gated: _gated, ...like } = scaled(nearest, parameters);
  const read = config === undefined || shape === undefined ? undefined : shapeOf(config);
  return {
    ...like,
    id: catalog.models.some(({ id }) => id === slug) ? `own--${slug}` : slug,
    title: name,
    modality,
    hub: source.startsWith('hf://') ? source.slice('hf://'.length) : `own/${slug}`,
    revision: 'main',
    mirrors: [],
    parameters,
    size: String(Number((parameters / 1e9).toFixed(3))),
    license,
    commercialUse: findLicense(catalog, license)?.commercialUse ?? 'conditional',
    gated: false,
    context: contextOf(config) ?? nearest.context,
    ...(shape !== undefined && { shape: read ?? shape }),
    ...(architecture !== undefined && { architecture }),
    ...(folder !== undefined && folder.class !== '' && { class: folder.class }),
    verified: folder !== undefined,
    source: folder === undefined ? `stated by the goal, like ${nearest.title}` : 'read in its folder',
    own: { uri: source, revision: folder?.revision ?? revision ?? 'main', here: folder !== undefined },
  };
}

function distance(model: ModelSpec, parameters: number): number {
  return Math.abs(Math.log(model.parameters / parameters));
}

function contextOf(config: ReturnType<typeof configAnswer.parse> | undefined): number | undefined {
  return config?.text_config?.max_position_embeddings ?? config?.max_position_embeddings;
}

/**
 * A model of another size built alike: widths grow with the root of the weights, which a matrix has two of; what is
 * counted in weights or operations grows with them.
 */
function scaled(model: ModelSpec, parameters: number): ModelSpec {
  const ratio = parameters / model.parameters;
  const wide = (value: number): number => Math.max(1, Math.round(value * Math.sqrt(ratio)));
  const many = (value: number): number => Math.max(1, Math.round(value * ratio));
  const { shape, architecture = {} } = model;
  const { latent, vision, audio, activeParameters, textEncoderParameters, vaeParameters } = architecture;
  return {
    ...model,
    ...(shape !== undefined && {
      shape: { ...shape, hidden: wide(shape.hidden), feedForward: wide(shape.feedForward) },
    }),
    architecture: {
      ...(activeParameters !== undefined && { activeParameters: many(activeParameters) }),
      ...(textEncoderParameters !== undefined && { textEncoderParameters: many(textEncoderParameters) }),
      ...(vaeParameters !== undefined && { vaeParameters: many(vaeParameters) }),
      ...(latent !== undefined && {
        latent: {
          ...latent,
          ...(latent.hidden !== undefined && { hidden: wide(latent.hidden) }),
          ...(latent.forwardTflops !== undefined && { forwardTflops: latent.forwardTflops * ratio }),
        },
      }),
      ...(vision !== undefined && {
        vision: { ...vision, parameters: many(vision.parameters), hidden: wide(vision.hidden) },
      }),
      ...(audio !== undefined && {
        audio: {
          ...audio,
          frozenParameters: many(audio.frozenParameters),
          ...(audio.hidden !== undefined && { hidden: wide(audio.hidden) }),
        },
      }),
    },
  };
}
