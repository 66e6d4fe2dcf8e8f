from django.urls import path

from apps.documents import views, views_collections

app_name = "documents"
urlpatterns = [
    path("", views.document_list, name="document-list"),
    path("states/", views.document_states, name="document-states"),
    path("collections/new/", views_collections.collection_new, name="collection-new"),
    path("collections/<uuid:collection_id>/edit/", views_collections.collection_edit, name="collection-edit"),
    path("collections/<uuid:collection_id>/delete/", views_collections.collection_remove, name="collection-delete"),
    path("collections/<uuid:collection_id>/share/", views_collections.collection_share, name="collection-share"),
    path("<uuid:document_id>/move/", views_collections.document_move, name="document-move"),
    path("<uuid:document_id>/tags/", views.document_tags, name="document-tags"),
    path("<uuid:document_id>/chip/", views.document_chip, name="document-chip"),
    path("<uuid:document_id>/delete/", views.document_remove, name="document-delete"),
    path("<uuid:document_id>/content/", views.document_content, name="document-content"),
]
