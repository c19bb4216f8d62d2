output "settings" {
  description = "titrate.yaml: `terraform output -json settings` is JSON, and so YAML."
  value       = module.titrate.settings
}

output "environment" {
  description = "The settings as TITRATE_* variables, for pods."
  value       = module.titrate.environment
}

output "kubernetes" {
  description = "What infra/kubernetes/installation.cjs writes an overlay from."
  value       = module.titrate.kubernetes
}

output "temporal_database" {
  description = "Of a server of one's own: what the chart's values are filled in with (infra/temporal). null with Temporal Cloud."
  value       = module.titrate.temporal_database
}

output "pipeline" {
  description = "What the delivery pipeline signs in with; null: there is none."
  value       = module.titrate.pipeline
}

output "bindings" {
  description = "Who may do what: member, role and place."
  value       = module.titrate.bindings
}

output "dataflow_template" {
  description = "The Flex Template as it is written; null: there is none yet."
  value       = module.titrate.dataflow_template
}

output "tables" {
  description = "Tables of the warehouse."
  value       = module.titrate.tables
}

output "alert_policies" {
  description = "Names of the alert policies."
  value       = module.titrate.alert_policies
}
