// Request bodies as the documentation of their APIs has them, with the bounds that no schema says. What the owners publish
// as packages is asked as well: src/notify/published.test.ts.

const uri = { type: 'string', format: 'uri' } as const;

/** https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/cloudevents.json */
export const cloudEvents = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  type: 'object',
  properties: {
    id: { type: 'string', minLength: 1 },
    source: { type: 'string', minLength: 1 },
    specversion: { type: 'string', minLength: 1 },
    type: { type: 'string', minLength: 1 },
    datacontenttype: { type: 'string', minLength: 1 },
    dataschema: uri,
    subject: { type: 'string', minLength: 1 },
    time: { type: 'string', format: 'date-time', minLength: 1 },
    data: {},
    data_base64: { type: 'string' },
  },
  required: ['id', 'source', 'specversion', 'type'],
  additionalProperties: false, // extension attributes: we have none
} as const;

/** repos/create-commit-status of https://github.com/github/rest-api-description (api.github.com, 2022-11-28) */
export const gitHubStatus = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  type: 'object',
  properties: {
    state: { type: 'string', enum: ['error', 'failure', 'pending', 'success'] },
    target_url: { type: 'string' },
    description: { type: 'string', maxLength: 140 }, // not in the schema: longer ones are answered with 422
    context: { type: 'string' },
  },
  required: ['state'],
  additionalProperties: false,
} as const;

/** https://docs.gitlab.com/api/commits/#set-commit-pipeline-status */
export const gitLabStatus = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  type: 'object',
  properties: {
    state: { type: 'string', enum: ['pending', 'running', 'success', 'failed', 'canceled', 'skipped'] },
    ref: { type: 'string' },
    name: { type: 'string' },
    context: { type: 'string' },
    target_url: { type: 'string', maxLength: 255 },
    description: { type: 'string', maxLength: 255 },
    coverage: { type: 'number' },
    pipeline_id: { type: 'integer' },
  },
  required: ['state'],
  additionalProperties: false,
} as const;

/** CreateStatusOption and CommitStatusState of https://docs.gitea.com/api and https://codeberg.org/swagger.v1.json */
export const giteaStatus = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  type: 'object',
  properties: {
    context: { type: 'string' },
    description: { type: 'string' },
    state: { type: 'string', enum: ['pending', 'success', 'error', 'failure', 'warning'] },
    target_url: { type: 'string' },
  },
  additionalProperties: false,
} as const;

/** https://api.slack.com/reference/messaging/payload and https://api.slack.com/reference/messaging/attachments */
export const slackMessage = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  type: 'object',
  properties: {
    text: { type: 'string', minLength: 1, maxLength: 40_000 },
    attachments: {
      type: 'array',
      maxItems: 100,
      items: {
        type: 'object',
        properties: {
          color: { type: 'string' },
          fallback: { type: 'string' },
          text: { type: 'string', maxLength: 8_000 },
          mrkdwn_in: { type: 'array', items: { type: 'string', enum: ['pretext', 'text', 'fields'] } },
          fields: {
            type: 'array',
            items: {
              type: 'object',
              properties: { title: { type: 'string' }, value: { type: 'string' }, short: { type: 'boolean' } },
              required: ['title', 'value'],
              additionalProperties: false,
            },
          },
        },
        additionalProperties: false,
      },
    },
  },
  required: ['text'],
  additionalProperties: false,
} as const;

/** What we use of http://adaptivecards.io/schemas/adaptive-card.json (1.2), in the envelope of a Teams webhook. */
export const teamsMessage = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  type: 'object',
  properties: {
    type: { type: 'string', enum: ['message'] },
    attachments: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        properties: {
          contentType: { type: 'string', enum: ['application/vnd.microsoft.card.adaptive'] },
          contentUrl: { type: 'null' },
          content: {
            type: 'object',
            properties: {
              $schema: { type: 'string' },
              type: { type: 'string', enum: ['AdaptiveCard'] },
              version: { type: 'string', enum: ['1.0', '1.1', '1.2', '1.3', '1.4', '1.5'] },
              body: {
                type: 'array',
                items: {
                  type: 'object',
                  properties: {
                    type: { type: 'string', enum: ['TextBlock', 'FactSet'] },
                    text: { type: 'string' },
                    wrap: { type: 'boolean' },
                    weight: { type: 'string', enum: ['Default', 'Lighter', 'Bolder'] },
                    size: { type: 'string', enum: ['Default', 'Small', 'Medium', 'Large', 'ExtraLarge'] },
                    color: {
                      type: 'string',
                      enum: ['Default', 'Dark', 'Light', 'Accent', 'Good', 'Warning', 'Attention'],
                    },
                    facts: {
                      type: 'array',
                      items: {
                        type: 'object',
                        properties: { title: { type: 'string' }, value: { type: 'string' } },
                        required: ['title', 'value'],
                        additionalProperties: false,
                      },
                    },
                  },
                  required: ['type'],
                  additionalProperties: false,
                },
              },
              actions: {
                type: 'array',
                items: {
                  type: 'object',
                  properties: {
                    type: { type: 'string', enum: ['Action.OpenUrl'] },
                    title: { type: 'string' },
                    url: uri,
                  },
                  required: ['type', 'url'],
                  additionalProperties: false,
                },
              },
            },
            required: ['type', 'version', 'body'],
            additionalProperties: false,
          },
        },
        required: ['contentType', 'content'],
        additionalProperties: false,
      },
    },
  },
  required: ['type', 'attachments'],
  additionalProperties: false,
} as const;

/** https://grafana.com/docs/grafana/latest/developers/http_api/annotations/#create-annotation */
export const grafanaAnnotation = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  type: 'object',
  properties: {
    dashboardUID: { type: 'string' },
    panelId: { type: 'integer' },
    time: { type: 'integer' },
    timeEnd: { type: 'integer' },
    tags: { type: 'array', items: { type: 'string' } },
    text: { type: 'string', minLength: 1 },
  },
  required: ['text'],
  additionalProperties: false,
} as const;

/** postableAlerts of https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml is checked by the real one. */
