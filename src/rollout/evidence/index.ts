export { createPrometheusEvidence, type PrometheusEvidenceOptions } from './prometheus-evidence';
export { createScrapedEvidence, type ScrapedEvidenceOptions } from './scraped-evidence';
export type { ServingEvidence, VersionFigures } from './serving-evidence';
