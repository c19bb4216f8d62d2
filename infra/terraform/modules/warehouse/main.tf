# The dataset and its tables. Terraform makes the tables, with their partitions, clusters and protection; their columns after that are the
# concern of the program's migrations alone (src/warehouse/bigquery/schema.ts), which also make the views.
resource "google_bigquery_dataset" "this" {
  project                    = var.project
  dataset_id                 = var.dataset
  location                   = var.location
  friendly_name              = "titrate"
  description                = "Index of campaigns, dataset versions and their molecules; can be made anew from the bucket."
  labels                     = var.labels
  delete_contents_on_destroy = var.delete_contents
  max_time_travel_hours      = 168

  dynamic "default_encryption_configuration" {
    for_each = var.kms_key == null ? [] : [var.kms_key]
    content {
      kms_key_name = default_encryption_configuration.value
    }
  }
}

resource "google_bigquery_table" "this" {
  for_each = var.tables

  project             = var.project
  dataset_id          = google_bigquery_dataset.this.dataset_id
  table_id            = each.key
  description         = each.value.description
  labels              = var.labels
  deletion_protection = var.deletion_protection
  schema              = jsonencode(each.value.schema)
  clustering          = each.value.cluster

  dynamic "time_partitioning" {
    for_each = each.value.partition == null ? [] : [each.value.partition]
    content {
      type          = "DAY"
      field         = time_partitioning.value
      expiration_ms = lookup(var.partition_days, each.key, null) == null ? null : var.partition_days[each.key] * 24 * 60 * 60 * 1000
    }
  }

  dynamic "encryption_configuration" {
    for_each = var.kms_key == null ? [] : [var.kms_key]
    content {
      kms_key_name = encryption_configuration.value
    }
  }

  lifecycle {
    # A table whose columns differ would be deleted and made anew.
    ignore_changes = [schema]
  }
}
