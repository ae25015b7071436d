import { createRequire } from 'node:module';

// Its ES modules name no files, which only bundlers read; this is the same as one script.
const { AdaptiveCard, SerializationContext } = createRequire(import.meta.url)(
  'adaptivecards/dist/adaptivecards.js',
) as typeof import('adaptivecards');

/** What the parser of Microsoft says of a card; nothing where it knows every element and value, and none is missing. */
export const problemsOfCard = (content: object | undefined): string[] => {
  const context = new SerializationContext();
  const card = new AdaptiveCard();
  card.parse(content, context);
  const parsed = Array.from({ length: context.eventCount }, (_, i) => context.getEventAt(i).message);
  return [...parsed, ...card.validateProperties().validationEvents.map(({ message }) => message)];
};
