output "dataset" {
  description = "Name of the dataset."
  value       = google_bigquery_dataset.this.dataset_id
}

output "tables" {
  description = "Names of its tables."
  value       = sort(keys(google_bigquery_table.this))
}
